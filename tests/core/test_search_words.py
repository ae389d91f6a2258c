"""The words of a text, in every script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.core import search_words
from impl.core.search_words import PLACES_MAX, WORD_LENGTH_MAX


def terms(text: str) -> list[str]:
    return [term for piece in search_words.cut(text) for term in piece.terms]


def finds(term: str, text: str) -> bool:
    """What PostgreSQL does with what this module makes of both."""
    places, placeless = search_words.index_of([text])
    for phrase in search_words.read_search(term):
        first, *rest = phrase.terms
        if not rest and first in placeless:
            continue
        starts = places.get(first, [])
        if not any(
            all(start + n + 1 in places.get(one, []) for n, one in enumerate(rest))
            for start in starts
        ):
            return False
    return True


def test_words_stand_between_what_is_neither_letter_nor_digit() -> None:
    assert terms("Hello, wörld! it's 4_2 (x)") == ["hello", "wörld", "it", "s", "4", "2", "x"]
    assert terms(" ,.\n\0\ud800") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("STRASSE", "straße"),
        ("ＡＢＣ１", "abc1"),
        ("é", "e\u0301"),
        ("ﬁsh", "fish"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ｶﾞ", "ガ"),
        ("soft\u00adhyphen", "softhyphen"),
        ("می\u200cخواهم", "میخواهم"),
    ],
)
def test_what_a_reader_takes_for_the_same_is_the_same(one: str, other: str) -> None:
    assert terms(one) == terms(other)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("我今天去了北京大学图书馆", "北京大学"),
        ("我今天去了北京大学图书馆", "图"),
        ("東京都庁に行きました", "東京"),
        ("東京都庁に行きました", "行き"),
        ("カタカナのテスト", "テスト"),
        ("서울에서 만나요", "서울"),
        ("ฉันรักภาษาไทยมาก", "ภาษาไทย"),
        ("ພາສາລາວ", "ລາວ"),
        ("ភាសាខ្មែរ", "ខ្មែរ"),
        ("မြန်မာဘာသာစကား", "ဘာသာ"),
        ("𠮷野家で食べる", "𠮷野家"),
        ("iPhoneを買った", "iphone"),
        ("iPhoneを買った", "買った"),
        ("Привет, мир", "МИР"),
        ("שלום עולם", "עולם"),
        ("مرحبا بالعالم", "بالعالم"),
        ("नमस्ते दुनिया", "नमस्ते"),
        ("வணக்கம் உலகம்", "உலகம்"),
        ("ተማሪ ቤት", "ቤት"),
        ("ship it 🎉🎉", "🎉"),
        ("the quick brown fox", '"quick brown"'),
        ("the quick brown fox", "fox the"),
        ("𝔣𝔯𝔞𝔨𝔱𝔲𝔯", "fraktur"),
    ],
)
def test_words_are_found_in_every_script(text: str, term: str) -> None:
    assert finds(term, text)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("東京都", "京東"),
        ("東西京都", "東京"),  # Its pairs are others.
        ("今天天气", "今气"),
        ("the quick brown fox", '"brown quick"'),
        ("the quick brown fox", "quick dog"),
        ("concatenate", "cat"),
        ("서울", "부산"),
    ],
)
def test_what_is_not_there_is_not_found(text: str, term: str) -> None:
    assert not finds(term, text)


def test_a_phrase_does_not_go_from_one_text_to_the_next() -> None:
    places, _ = search_words.index_of(["one two", "three"])
    assert places == {"one": [1], "two": [2], "three": [4]}


def test_a_search_without_words_is_empty() -> None:
    assert search_words.read_search(' "" .,! "') == []


def test_a_quote_that_is_not_closed_goes_to_the_end() -> None:
    assert [one.terms for one in search_words.read_search('a "b c')] == [["a"], ["b", "c"]]


def test_a_word_is_said_once() -> None:
    assert len(search_words.read_search("a A a")) == 1


def test_long_words_and_texts_have_bounds() -> None:
    assert terms("x" * 5000) == ["x" * WORD_LENGTH_MAX]
    places, _ = search_words.index_of(["字" * 100_000 + " end"])
    assert max(max(one) for one in places.values()) < PLACES_MAX
    assert "end" not in places
    words = (f"{number:05}" + "\U0001e900" * 59 for number in range(10_000))
    places, _ = search_words.index_of([" ".join(words)])
    assert sum(len(term.encode()) for term in places) < 1_000_000 - 10 * len(places)


@given(st.text())
def test_every_text_can_be_cut(text: str) -> None:
    places, placeless = search_words.index_of([text])
    for term in [*places, *placeless]:
        term.encode()
        assert term and not set(term) & set(" '\\\0")


@given(st.text(alphabet="東京都日本 ab", min_size=1))
def test_every_part_of_a_run_is_found_in_it(text: str) -> None:
    for piece in search_words.cut(text):
        for start in range(len(piece.written) if piece.is_run else 0):
            for end in range(start + 1, len(piece.written) + 1):
                assert finds(piece.written[start:end], text)
