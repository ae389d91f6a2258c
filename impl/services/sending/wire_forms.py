"""The bytes that go over the wire: canonical JSON, made once for all the servers that get them. A
transaction is put together of such pieces, so that it is canonical itself and can be signed as it
stands."""

from collections.abc import Iterable, Mapping
from typing import Any

from impl.core import canonical_json
from impl.core.rejection import Malformed
from impl.storage.events import StoredEvent

_FORM = "pdu"


def pdu_of(stored: StoredEvent) -> bytes:
    """An event as other servers get it. What is unsigned is nobody's word, so it stays here.

    Raises Malformed, as the others here do, for what has no canonical form: nobody would believe
    the signature."""
    form: bytes | None = stored.forms.get(_FORM)
    if form is None:
        pdu = {key: value for key, value in stored.event.pdu.items() if key != "unsigned"}
        form = stored.forms[_FORM] = encode(pdu)
    return form


def edu_of(edu_type: str, content: Mapping[str, Any]) -> bytes:
    return encode({"content": content, "edu_type": edu_type})


def encode(value: dict[str, Any]) -> bytes:
    try:
        return canonical_json.encode(value)
    except Malformed:
        # Old rooms and clients' own contents may hold numbers that newer rooms may not.
        return canonical_json.encode(value, strict=False)


def transaction(origin: str, now_ms: int, pdus: Iterable[bytes], edus: Iterable[bytes]) -> bytes:
    """The body of PUT /send."""
    return b"".join(
        (
            b'{"edus":[',
            b",".join(edus),
            b'],"origin":',
            canonical_json.encode(origin),
            b',"origin_server_ts":%d,"pdus":[' % now_ms,
            b",".join(pdus),
            b"]}",
        )
    )
