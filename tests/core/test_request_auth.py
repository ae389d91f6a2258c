"""The X-Matrix header. S-S API, "Request Authentication"."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core import request_auth
from impl.core.rejection import Malformed
from impl.core.request_auth import Credentials


def test_what_is_written_is_read():
    header = request_auth.write("a.example:8448", "b.example", "ed25519:1", "c2ln+/")
    assert request_auth.parse(header) == Credentials(
        "a.example:8448", "b.example", "ed25519:1", "c2ln+/"
    )


@pytest.mark.parametrize(
    "header",
    [
        'X-Matrix origin="a",destination="b",key="ed25519:1",sig="s"',
        'x-matrix   ORIGIN="a" ,\tDestination="b", Key="ed25519:1" , Sig="s"',
        "X-Matrix origin=a,destination=b,key=ed25519:1,sig=s",
        'X-Matrix sig="s",unknown="x, y",key="ed25519:1",destination="b",origin="a"',
        'X-Matrix origin="\\a",destination="b",key="ed25519:1",sig="s"',
    ],
)
def test_every_form_that_the_specification_allows_is_read(header):
    assert request_auth.parse(header) == Credentials("a", "b", "ed25519:1", "s")


def test_an_old_server_names_no_destination():
    assert request_auth.parse('X-Matrix origin="a",key="k:1",sig="s"').destination is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer abc",
        "X-Matrix",
        'X-Matrix origin="a",key="k"',
        'X-Matrix origin="",key="k",sig="s"',
        'X-Matrix origin="a",origin="b",key="k",sig="s"',
        'X-Matrix origin="a" key="k" sig="s"',
        'X-Matrix origin="a,key="k",sig="s"',
        'X-Matrix origin="a",key="k",sig="s",;',
        'X-Matrix origin="a",key="k",sig="' + "s" * 5000 + '"',
    ],
)
def test_what_cannot_be_read_is_malformed(header):
    with pytest.raises(Malformed):
        request_auth.parse(header)


ONE = 'X-Matrix origin="a",destination="b",key="ed25519:1",sig="s"'
OTHER = 'x-matrix origin="a, X-Matrix b",key="ed25519:2",sig="t"'


@pytest.mark.parametrize("comma", [",", ", ", ",\t"])
def test_several_headers_are_read(comma):
    first = Credentials("a", "b", "ed25519:1", "s")
    second = Credentials("a, X-Matrix b", None, "ed25519:2", "t")
    assert request_auth.parse_all(ONE) == [first]
    assert request_auth.parse_all(ONE + comma + OTHER) == [first, second]
    assert request_auth.parse_all(comma.join([OTHER, ONE, OTHER])) == [second, first, second]


@pytest.mark.parametrize(
    "field",
    [
        "",
        "Bearer abc",
        ONE + ",Bearer abc",
        ONE + ",X-Matrix ",
        ONE + ', X-Matrix origin="a',
        ",".join([ONE] * 5),
        ONE + "," * 5000,
    ],
)
def test_headers_that_cannot_be_read_are_malformed(field):
    with pytest.raises(Malformed):
        request_auth.parse_all(field)


@given(st.text(max_size=300))
def test_nothing_else_is_raised(text):
    try:
        request_auth.parse_all("X-Matrix " + text)
    except Malformed:
        pass


def test_the_signed_object_is_canonical_json_of_all_there_is():
    message = request_auth.signed_bytes("PUT", "/x?y=1", "a", "b", b'{"k":1}')
    assert (
        message
        == b'{"content":{"k":1},"destination":"b","method":"PUT","origin":"a","uri":"/x?y=1"}'
    )
    assert "content" not in json.loads(request_auth.signed_bytes("GET", "/x", "a", "b", None))
