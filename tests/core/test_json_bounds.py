"""Values are counted as a reader of JSON would find them, whatever stands in strings, and wherever
the text is cut into pieces.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core import json_bounds

TEXTS = st.text(alphabet='a",[{\\]}:\u00e9', max_size=8)
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=30,
)


def size(value: Any) -> int:
    """An empty list or object counts twice: it has no comma less than one with a value."""
    if isinstance(value, list):
        return 1 + max(1, sum(map(size, value)))
    if isinstance(value, dict):
        return 1 + max(1, sum(map(size, value.values())))
    return 1


@given(VALUES, st.integers(1, 20))
def test_values_are_counted_outside_of_strings(value: Any, piece: int) -> None:
    text = json.dumps(value).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_bounds, "PIECE_BYTES", piece)
        assert not json_bounds.has_more_values(text, size(value))
        assert json_bounds.has_more_values(text, size(value) - 1)


@given(st.text(alphabet='a",[{\\]}', max_size=100), st.integers(1, 20))
def test_what_is_no_json_is_counted_to_its_end(text: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_bounds, "PIECE_BYTES", piece)
        assert not json_bounds.has_more_values(text.encode(), 1 + len(text))


def test_what_is_large_is_counted_with_pauses() -> None:
    text = b'["' + b'",",' * 1_000_000 + b'"]'
    assert (
        len(list(json_bounds.count_up_to(text, 1_500_000))) >= len(text) // json_bounds.PIECE_BYTES
    )
