"""What changed between two versions of the specification, and which functions that touches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from codegen.load import Node, Specs, resolve
from codegen.operations import SpecOperation, list_operations

# What a schema says of a value, apart from what is below it.
_WORDS = (
    "type", "enum", "const", "default", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "deprecated",
)  # fmt: skip
# What it says of a string's form. Upstream adds these to fields in passing, hundreds at a time.
_FORMS = ("format", "pattern")


@dataclass(frozen=True)
class Change:
    """One operation that is not what it was. `lines` begin with +, - or ~."""

    mark: str
    operation: SpecOperation
    lines: list[str] = field(default_factory=list)


def differences(old: Specs, new: Specs, *, formats: bool = False) -> list[Change]:
    """From `old` to `new`, in the order of the files of `new`; what was removed comes last.

    With `formats`, a string whose format or pattern is another counts as changed as well.
    """
    words = _WORDS + _FORMS if formats else _WORDS
    before = {(o.api.name, o.operation_id): o for o in list_operations(old)}
    after = {(o.api.name, o.operation_id): o for o in list_operations(new)}
    changes = []
    for key, operation in after.items():
        if key not in before:
            changes.append(Change("+", operation))
        elif lines := _compare(_facts(before[key], words), _facts(operation, words)):
            changes.append(Change("~", operation, lines))
    changes.extend(Change("-", before[key]) for key in before if key not in after)
    return changes


def _compare(old: dict[str, str], new: dict[str, str]) -> list[str]:
    lines = []
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in old:
            lines.append(f"+ {name}: {new[name]}")
        elif name not in new:
            lines.append(f"- {name}: {old[name]}")
        elif old[name] != new[name]:
            lines.append(f"~ {name}: {old[name]} -> {new[name]}")
    return lines


def _facts(operation: SpecOperation, words: tuple[str, ...]) -> dict[str, str]:
    """All that is to be compared of an operation, by where it stands."""

    def add(schema: Any, name: str, flags: Sequence[str] = ()) -> None:
        facts.update(_schema_facts(operation.document, schema, name, flags, words))

    schemes, optional = operation.security()
    facts = {
        "endpoint": f"{operation.method.upper()} {operation.path.strip()}",
        "security": ", ".join([*schemes, *(["optional"] if optional else [])]) or "none",
    }
    if operation.node.get("deprecated"):
        facts["deprecated"] = "true"
    for parameter in operation.node.get("parameters", []):
        name = f"{parameter['in']} {parameter['name']}"
        flags = [flag for flag in ("required", "deprecated") if parameter.get(flag)]
        add(parameter["schema"], name, flags)
    body = operation.node.get("requestBody", {})
    required = ["required"] if body.get("required") else []
    for media_type, content in body.get("content", {}).items():
        add(content.get("schema", {}), _content_name("body", media_type), required)
    for status, response in operation.node["responses"].items():
        facts[f"response {status}"] = "there"
        for header, node in response.get("headers", {}).items():
            add(node["schema"], f"response {status} header {header}")
        for media_type, content in response.get("content", {}).items():
            add(content.get("schema", {}), _content_name(f"response {status}", media_type))
    return facts


def _content_name(place: str, media_type: str) -> str:
    return place if media_type == "application/json" else f"{place} {media_type}"


def _schema_facts(
    document: Node, schema: Any, name: str, flags: Sequence[str], words: tuple[str, ...]
) -> dict[str, str]:
    """The fields of `schema` as `name.field`, `name[]` (items) and `name.*` (any other key)."""
    said: dict[str, list[str]] = {name: list(flags)}
    for place, keyword, value in _walk(document, schema, name, ()):
        word = _word(keyword, value)
        if word not in said.setdefault(place, []) and (keyword in words or keyword == ""):
            said[place].append(word)
    return {place: ", ".join(sorted(found)) or "anything" for place, found in said.items()}


def _walk(
    document: Node, schema: Any, place: str, inside: tuple[str, ...]
) -> Iterator[tuple[str, str, Any]]:
    """Where, which keyword, what it says; the keyword "" is for what we say ourselves."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        if schema["$ref"] in inside:
            yield place, "", "recursive"
        else:
            target = resolve(document, {"$ref": schema["$ref"]})
            yield from _walk(document, target, place, (*inside, schema["$ref"]))
    for keyword in _WORDS + _FORMS:
        if keyword in schema:
            yield place, keyword, schema[keyword]
    for keyword in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(keyword, []):
            yield from _walk(document, part, place, inside)
    for key, part in schema.get("properties", {}).items():
        need = "required" if key in schema.get("required", []) else "optional"
        yield f"{place}.{key}", "", need
        yield from _walk(document, part, f"{place}.{key}", inside)
    if "items" in schema:
        yield from _walk(document, schema["items"], f"{place}[]", inside)
    others = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    for part in others:
        yield from _walk(document, part, f"{place}.*", inside)


def _word(keyword: str, value: Any) -> str:
    if keyword in ("", "type"):
        return "|".join(value) if isinstance(value, list) else str(value)
    if keyword == "enum":
        return "one of " + "/".join(str(item) for item in value)
    return f"{keyword} {value}" if value is not True else keyword
