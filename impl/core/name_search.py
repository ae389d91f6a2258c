"""How people are found by a part of their name or id, in every script. C-S API, "User Directory".

Names are short, have no grammar, and are searched while they are typed, so any part of a word will
do. A database finds parts of words by pairs of letters: the pairs of what is searched stand in the
name as well. Of a word its beginning is kept too, by which single letters are found; a single
character of a script that is not ASCII, where it may be a word, is found anywhere.

Text is folded here, not in the database, whose locale may know no case: no case, no width, and no
accents over letters."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from impl.core import identifiers

NAME_LENGTH_MAX = 256
WORDS_MAX = 8
WORD_LENGTH_MAX = 64
_SEPARATORS = str.maketrans(dict.fromkeys("._=/+-", " "))


@dataclass(frozen=True, slots=True)
class Searchable:
    """What is stored of a name. Localpart and name are a line each, and every word follows a
    space."""

    text: str
    grams: Sequence[str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search: all of the words, in any order. `ids` are words that ask for a user id with its
    server."""

    words: Sequence[str]
    ids: Sequence[str]
    grams: Sequence[str]

    @property
    def is_empty(self) -> bool:
        return not self.grams


def fold(text: str) -> str:
    """For comparison: without case, width and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(one for one in plain if not "\u0300" <= one <= "\u036f")
    return unicodedata.normalize("NFKC", kept).casefold()


def searchable(user_id: str, display_name: str | None) -> Searchable:
    """What a user is found by."""
    localpart = _words(identifiers.localpart_of(user_id))
    name = _words((display_name or "")[:NAME_LENGTH_MAX])
    grams = {gram for word in (*localpart, *name) for gram in _grams_of_text(word)}
    return Searchable(" " + " ".join(localpart) + "\n " + " ".join(name), sorted(grams))


def wanted(term: str) -> Wanted:
    """What a search term asks for."""
    words, ids = [], []
    for word in _words(term)[:WORDS_MAX]:
        plain = word.removeprefix("@")[:WORD_LENGTH_MAX]
        if ":" in plain and word != plain:
            ids.append(word)
            plain = plain.partition(":")[0]
        if plain:
            words.append(plain)
    grams = {gram for word in words for gram in _grams_of_search(word)}
    return Wanted(words, ids, sorted(grams))


def _words(text: str) -> list[str]:
    # PostgreSQL keeps no NUL.
    return fold(text.replace("\0", "")).split()


def _grams_of_text(word: str) -> set[str]:
    pairs = {word[at : at + 2] for at in range(len(word) - 1)}
    beginnings = {"^" + part[0] for part in word.translate(_SEPARATORS).split()} | {"^" + word[0]}
    return pairs | beginnings | {one for one in word if not one.isascii()}


def _grams_of_search(word: str) -> set[str]:
    if len(word) > 1:
        return {word[at : at + 2] for at in range(len(word) - 1)}
    return {"^" + word if word.isascii() else word}
