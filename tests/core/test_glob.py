"""Wildcards: what they match, and how long that may take."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core import glob

letters = st.text("abA*?.\n", max_size=12)


def literally(pattern: str, text: str, *, with_question_mark: bool) -> bool:
    """The definition, by trying everything."""
    if not pattern:
        return not text
    first, rest = pattern[0], pattern[1:]
    if first == "*":
        return any(
            literally(rest, text[n:], with_question_mark=with_question_mark)
            for n in range(len(text) + 1)
        )
    is_first = text[:1] == first or (with_question_mark and first == "?" and text != "")
    return is_first and literally(rest, text[1:], with_question_mark=with_question_mark)


@given(letters, letters)
def test_a_star_stands_for_anything_and_all_else_for_itself(pattern, text):
    expected = literally(pattern, text, with_question_mark=False)
    assert glob.Stars.of(pattern).matches(text) is expected


@given(letters, letters)
def test_in_a_glob_a_question_mark_stands_for_one_and_case_does_not_count(pattern, text):
    expected = literally(pattern.lower(), text.lower(), with_question_mark=True)
    assert (glob.compile_glob(pattern).fullmatch(text) is not None) is expected


words = st.text("ab *?-_", max_size=10)


@given(words, words)
def test_a_word_glob_matches_between_word_boundaries(pattern, text):
    places = [
        n
        for n in range(len(text) + 1)
        if n in (0, len(text)) or not re.fullmatch("[A-Za-z0-9_]{2}", text[n - 1 : n + 1])
    ]
    # A place beside a character that is in no word is a boundary on that character's side.
    starts = [n for n in range(len(text) + 1) if n == 0 or not is_word(text[n - 1])]
    ends = [n for n in range(len(text) + 1) if n == len(text) or not is_word(text[n])]
    assert {*starts} & {*ends} <= {*places}
    expected = any(
        literally(pattern, text[start:end], with_question_mark=True)
        for start in starts
        for end in ends
        if start <= end
    )
    assert (glob.compile_word_glob(pattern).match(text) is not None) is expected


def is_word(character: str) -> bool:
    return re.fullmatch("[A-Za-z0-9_]", character) is not None


@pytest.mark.parametrize("body", ["An example event.", "exple", "An exciting triple-whammy"])
def test_the_examples_of_the_specification_match(body):
    assert glob.compile_word_glob("ex*ple").match(body)


@pytest.mark.parametrize("body", ["Xexample", "examples", "exp le", ""])
def test_a_part_of_a_word_does_not_match(body):
    assert not glob.compile_word_glob("example").match(body)


@pytest.mark.parametrize(
    ("compiled", "method"),
    [
        (glob.compile_glob("*a?" * 200 + "b"), "fullmatch"),
        (glob.compile_word_glob("*a" * 200 + "b"), "match"),
        (glob.compile_word_glob("a" * 200 + "*b"), "match"),
    ],
)
def test_no_pattern_takes_for_ever(compiled, method):
    # With backtracking this would not end before the sun does.
    assert getattr(compiled, method)("a" * 20_000) is None


def test_stars_do_not_take_for_ever():
    assert not glob.Stars.of("*a" * 200 + "b").matches("a" * 20_000)


def test_words_are_found_as_they_are():
    assert glob.compile_words("Al*ce").search("hello al*ce!")
    assert not glob.compile_words("Al*ce").search("hello alice!")
    assert not glob.compile_words("ali").search("hello alice!")
