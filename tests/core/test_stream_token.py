"""Tokens: what was written can be read, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core import stream_token
from impl.core.rejection import Malformed
from impl.core.stream_token import HistoryToken, SyncToken

naturals = st.integers(0, 2**63 - 1)
positions = st.integers(-(2**63) + 1, 2**63 - 1)


@given(
    st.one_of(
        st.builds(SyncToken, naturals, st.none() | naturals, st.none() | naturals),
        st.builds(HistoryToken, naturals, positions),
    )
)
def test_a_token_survives_being_written_and_read(token):
    assert stream_token.parse(str(token)) == token
    # It goes into URLs as it is.
    assert str(token).replace("_", "").replace("-", "").isalnum()


def test_tokens_look_as_they_do():
    assert str(SyncToken(0)) == "s0"
    assert str(SyncToken(7, 5)) == "s7_5"
    assert str(SyncToken(7, to_device=6)) == "s7_d6"
    assert str(SyncToken(7, 5, 6)) == "s7_5_d6"
    assert str(HistoryToken(12, -3)) == "t12_-3"


@pytest.mark.parametrize(
    "token",
    [
        *["", "s", "t", "x1", "1", "s-1", "s01", "s+1", "s1 ", " s1", "s1\n", "s1_", "S1", "s1.0"],
        *["s1_01", "s1_-1", "s1_1_1", "s_1", "s1_d", "s1_d01", "s1_d1_1", "s1d1", "s_d1", "s1_D1"],
        *["t1", "t1_", "t_1", "t-1_1", "t1_-0", "t1_01", "t1_1_1", "t1-1", "t1_--1", "t1_1\n"],
        *[
            "s٣",
            "s²",
            "s\x00",
            "\ud800",
            "s1_0_0",
            "s9223372036854775808",
            "t0_9223372036854775808",
        ],
        *[
            "t9223372036854775808_0",
            "t0_-9223372036854775808",
            "s" + "9" * 5000,
            "t1_" + "1" * 5000,
        ],
        *[None, 1, b"s1", ["s1"], {}],
    ],
)
def test_what_is_no_token_is_malformed(token):
    with pytest.raises(Malformed):
        stream_token.parse(token)


@given(st.text())
def test_no_text_does_anything_else(text):
    try:
        token = stream_token.parse(text)
    except Malformed:
        return
    assert str(token) == text


def test_since_is_a_sync_token_only():
    assert stream_token.parse_sync("s5") == SyncToken(5)
    with pytest.raises(Malformed):
        stream_token.parse_sync("t5_5")


def test_history_tokens_are_in_the_order_of_history():
    assert HistoryToken(1, 9) < HistoryToken(2, -5) < HistoryToken(2, 3)
