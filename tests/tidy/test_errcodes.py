"""Every errcode that we answer with is the specification's, or carries a prefix of its own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

IMPL = Path(__file__).parents[2] / "impl"

# v1.19, all its APIs. Its OpenAPI definitions name errcodes in prose only, so that api-specs/ has
# none: look through the text at a new version.
SPECIFIED = """
M_APPSERVICE_LOGIN_UNSUPPORTED M_BAD_ALIAS M_BAD_JSON M_BAD_STATE M_BAD_STATUS
M_CANNOT_LEAVE_SERVER_NOTICE_ROOM M_CANNOT_OVERWRITE_MEDIA M_CAPTCHA_INVALID M_CAPTCHA_NEEDED
M_CONNECTION_FAILED M_CONNECTION_TIMEOUT M_DESTINATION_REJECTED M_DUPLICATE_ANNOTATION
M_EMAIL_SEND_ERROR M_EXCLUSIVE M_FORBIDDEN M_GUEST_ACCESS_FORBIDDEN M_INCOMPATIBLE_ROOM_VERSION
M_INVALID_ADDRESS M_INVALID_EMAIL M_INVALID_PARAM M_INVALID_PEPPER M_INVALID_ROOM_STATE
M_INVALID_SIGNATURE M_INVALID_USERNAME M_INVITE_BLOCKED M_KEY_TOO_LARGE M_LIMIT_EXCEEDED
M_MISSING_PARAM M_MISSING_TOKEN M_NOT_FOUND M_NOT_JSON M_NOT_YET_UPLOADED M_NO_VALID_SESSION
M_PROFILE_TOO_LARGE M_RESOURCE_LIMIT_EXCEEDED M_ROOM_IN_USE M_SEND_ERROR M_SERVER_NOT_TRUSTED
M_SESSION_EXPIRED M_SESSION_NOT_VALIDATED M_TERMS_NOT_SIGNED M_THREEPID_AUTH_FAILED
M_THREEPID_DENIED M_THREEPID_IN_USE M_THREEPID_MEDIUM_NOT_SUPPORTED M_THREEPID_NOT_FOUND
M_TOKEN_INCORRECT M_TOO_LARGE M_UNABLE_TO_AUTHORISE_JOIN M_UNABLE_TO_GRANT_JOIN M_UNAUTHORIZED
M_UNKNOWN M_UNKNOWN_DEVICE M_UNKNOWN_TOKEN M_UNRECOGNIZED M_UNSUPPORTED_ROOM_VERSION
M_URL_NOT_SET M_USER_DEACTIVATED M_USER_IN_USE M_USER_LIMIT_EXCEEDED M_USER_LOCKED
M_USER_SUSPENDED M_WEAK_PASSWORD M_WRONG_ROOM_KEYS_VERSION
"""
# Appendices, "Common Namespaced Identifier Grammar", in capitals: ORG.MATRIX.MSC1234_WHAT.
PREFIXED = re.compile(r"[A-Z]{2,}(\.[A-Z0-9_]+)+")


def errcodes(source: str) -> Iterator[str]:
    """Literals that are assigned to, passed as or stored under `errcode`, and all that look so."""
    for node in ast.walk(ast.parse(source)):
        pairs: list[tuple[object, ast.expr | None]] = []
        if isinstance(node, ast.Assign):
            pairs = [(getattr(target, "id", None), node.value) for target in node.targets]
        elif isinstance(node, ast.keyword):
            pairs = [(node.arg, node.value)]
        elif isinstance(node, ast.Dict):
            pairs = [
                (getattr(key, "value", None), value)
                for key, value in zip(node.keys, node.values, strict=True)
            ]
        elif isinstance(node, ast.Constant) and re.fullmatch(r"M_[A-Z0-9_]+", str(node.value)):
            yield str(node.value)
        for name, value in pairs:
            if name == "errcode" and isinstance(value, ast.Constant) and value.value:
                yield str(value.value)


def is_right(errcode: str) -> bool:
    return errcode in SPECIFIED.split() or PREFIXED.fullmatch(errcode) is not None


def test_every_errcode_is_the_specifications_or_prefixed() -> None:
    found = {
        (path.relative_to(IMPL).as_posix(), errcode)
        for path in IMPL.rglob("*.py")
        for errcode in errcodes(path.read_text())
    }
    assert ("errors.py", "M_FORBIDDEN") in found
    assert {pair for pair in found if not is_right(pair[1])} == set()


@pytest.mark.parametrize(
    "source",
    ['class A:\n errcode = "M_NEW"', 'f(errcode="NEW")', '{"errcode": "M_NEW"}', 'x = "M_NEW"'],
)
def test_a_new_errcode_would_be_seen(source: str) -> None:
    assert not any(is_right(errcode) for errcode in errcodes(source))
    assert list(errcodes(source))


def test_a_prefixed_errcode_is_right() -> None:
    assert is_right("ORG.MATRIX.MSC4186_UNKNOWN_POS")
    assert not is_right("M_UNKNOWN_POS")
