"""Bodies and queries."""

import io
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl import errors
from impl.web import request


class Inner(msgspec.Struct):
    numbers: list[int] | None = None


class Body(msgspec.Struct):
    name: str
    inner: Inner | None = None


class Query(msgspec.Struct):
    at: str
    from_: str | None = msgspec.field(name="from", default=None)
    limit: int = 10
    is_full: bool = msgspec.field(name="full", default=False)
    servers: list[str] | None = msgspec.field(name="via", default=None)


def read(raw: bytes, body_type: Any = dict, is_required: bool = True) -> Any:
    environ = {"CONTENT_LENGTH": str(len(raw)), "wsgi.input": io.BytesIO(raw)}
    return request.json_reader(body_type, is_required)(environ)


def test_unknown_fields_are_let_pass() -> None:
    assert read(b'{"name": "a", "other": 1}', Body) == Body("a")


def test_a_wrong_field_is_named_by_its_path() -> None:
    with pytest.raises(errors.BadJson, match=r"^inner.numbers\[1\]: expected int, got str"):
        read(b'{"name": "a", "inner": {"numbers": [1, "2"]}}', Body)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(errors.BadJson, match="name"):
        read(b"{}", Body)


def test_no_body_is_an_empty_object_where_it_may_be_left_out() -> None:
    assert read(b"", Inner, is_required=False) == Inner()
    with pytest.raises(errors.NotJson):
        read(b"", Inner)


def test_a_backslash_before_u0000_is_no_nul() -> None:
    assert read(rb'{"a": "\\u0000"}') == {"a": r"\u0000"}
    with pytest.raises(errors.BadJson):
        read(rb'{"a": "\\\u0000"}')


@pytest.mark.parametrize("number", [b"9007199254740992", b"-9007199254740992", b"1" * 4000])
def test_an_integer_beyond_the_range_is_refused(number: bytes) -> None:
    with pytest.raises(errors.BadJson):
        read(b'{"a": ' + number + b"}")
    with pytest.raises(errors.BadJson):
        read(b'{"name": "a", "other": [' + number + b"]}", Body)


def test_long_digits_that_are_no_such_integer_are_let_pass() -> None:
    text = b'{"a": "12345678901234567890", "b": 9007199254740991, "c": 0.12345678901234567890}'
    assert read(text) == {"a": "12345678901234567890", "b": 2**53 - 1, "c": 0.12345678901234568}


def test_brackets_in_strings_are_no_nesting() -> None:
    text = "[{" * 300 + '\\"' + "[" * 300
    assert read(b'{"a": "' + text.encode() + b'"}')


def test_the_deepest_that_canonical_json_takes_is_taken() -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":' * depth + b"1" + b"}" * depth

    assert read(nested(request.DEPTH_MAX))
    with pytest.raises(errors.BadJson, match="nested"):
        read(nested(request.DEPTH_MAX + 1))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_body_or_refused(raw: bytes) -> None:
    for body_type in (dict, Body, Inner):
        try:
            read(raw, body_type)
        except errors.MatrixError as error:
            assert error.status == 400


def decode(query: str) -> Query:
    return request.query_decoder(Query)(query)


def test_a_query_is_read_into_its_type() -> None:
    query = decode("from=a%20b+c&at=%26&limit=5&full=true&via=x&via=y&unknown=1&at=second&&")
    assert query == Query("&", "a b c", 5, True, ["x", "y"])


def test_a_missing_parameter_is_named() -> None:
    for query in ("", "limit=5"):
        with pytest.raises(errors.MissingParam, match="at is missing"):
            decode(query)


@pytest.mark.parametrize(
    "query", ["limit=x", "limit=1.5", "limit=", "limit=9" + "0" * 20, "full=maybe"]
)
def test_a_wrong_parameter_is_refused(query: str) -> None:
    with pytest.raises(errors.InvalidParam):
        decode("at=1&" + query)


@given(st.text(max_size=30))
def test_any_text_is_a_query_or_refused(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass").decode("latin-1")
    try:
        decode("at=" + raw)
    except errors.MatrixError as error:
        assert error.status == 400
