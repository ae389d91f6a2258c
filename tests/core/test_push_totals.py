"""Running totals of classes, and the bytes that they are kept in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core import push_totals
from impl.core.push_totals import NOTHING

NUMBERS = st.integers(0, 2**40)
TOTALS = st.dictionaries(NUMBERS, st.tuples(NUMBERS, NUMBERS).filter(lambda one: one != NOTHING))


@given(TOTALS)
def test_what_is_written_is_read(totals: push_totals.Totals) -> None:
    content = push_totals.encode(totals)
    assert push_totals.decode(content) == totals
    for class_nid, pair in totals.items():
        assert push_totals.of_class(content, class_nid) == pair


@given(TOTALS, TOTALS)
def test_a_sum_is_one_class_by_class(one: push_totals.Totals, other: push_totals.Totals) -> None:
    found = push_totals.sum_of(one, other)
    for class_nid in one.keys() | other.keys():
        pairs = one.get(class_nid, NOTHING), other.get(class_nid, NOTHING)
        assert found[class_nid] == push_totals.add(*pairs)


def test_few_notifications_are_few_bytes() -> None:
    assert push_totals.encode({}) == b""
    assert push_totals.encode({0: (100, 3), 7: NOTHING}) == bytes([0, 100, 3])


def test_a_class_that_was_never_told_of_anything_has_nothing() -> None:
    assert push_totals.of_class(push_totals.encode({1: (1, 0)}), 2) == NOTHING
    assert push_totals.of_class(b"", 0) == NOTHING


@pytest.mark.parametrize("content", [b"\x00", b"\x00\x01", b"\x00\x01\x80", b"\x00\x01\x02\x03"])
def test_what_is_cut_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="totals"):
        push_totals.decode(content)
