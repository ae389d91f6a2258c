"""Names and what is searched in them: folding, words, and the pairs that an index keeps."""

import pytest

from impl.core import name_search


def finds(term: str, user_id: str, name: str | None = None) -> bool:
    """What the database does, but for ids with a server."""
    wanted, stored = name_search.wanted(term), name_search.searchable(user_id, name)
    return (
        not wanted.is_empty
        and set(wanted.grams) <= set(stored.grams)
        and all(word in stored.text for word in wanted.words)
    )


@pytest.mark.parametrize(
    ("term", "name"),
    [
        ("alice", "Alice Margatroid"),
        ("MARGA", "Alice Margatroid"),
        ("troid ali", "Alice Margatroid"),
        ("a", "Alice"),
        ("m", "Alice Margatroid"),
        ("jose", "Jos\u00e9"),
        ("jos\u00e9", "Jose"),
        ("\u0418\u0432", "\u0418\u0432\u0430\u043d"),
        ("\u0438\u0432\u0430\u043d", "\u0418\u0412\u0410\u041d"),
        ("\u674e", "\u674e\u5c0f\u9f99"),
        ("\u5c0f\u9f99", "\u674e\u5c0f\u9f99"),
        ("\u30bf\u30ed\u30a6", "\uff80\uff9b\uff73"),
        ("\u0e2a\u0e21\u0e0a\u0e32\u0e22", "\u0e19\u0e32\u0e22\u0e2a\u0e21\u0e0a\u0e32\u0e22"),
        ("STRASSE", "Stra\u00dfe"),
        ("\uae40", "\uae40\ucca0\uc218"),
        ("\u0645\u062d\u0645\u062f", "\u0645\u062d\u0645\u062f \u0639\u0644\u064a"),
    ],
)
def test_a_part_of_a_word_is_found_in_every_script(term: str, name: str) -> None:
    assert finds(term, "@x1:soma.test", name)


@pytest.mark.parametrize("term", ["ann.smith", "smith", "@ann", "s", "@ann.smith:soma.test", "ANN"])
def test_a_user_is_found_by_their_id(term: str) -> None:
    assert finds(term, "@ann.smith:soma.test")


@pytest.mark.parametrize("term", ["bob", "l", "alicemarg", "alice bob", "\u674e"])
def test_what_is_not_there_is_not_found(term: str) -> None:
    assert not finds(term, "@x1:soma.test", "Alice Margatroid")


@pytest.mark.parametrize("term", ["", " ", "@", "\n", "@:soma.test"])
def test_what_has_no_words_asks_for_nothing(term: str) -> None:
    assert name_search.wanted(term).is_empty


def test_a_search_has_an_end() -> None:
    wanted = name_search.wanted("word " * 1000 + "x" * 100_000)
    assert len(wanted.words) == name_search.WORDS_MAX
    stored = name_search.searchable("@a:soma.test", "n" * 100_000)
    assert len(stored.text) < 1000
