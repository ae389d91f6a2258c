"""The words of a text, for its index and for what is searched. C-S API, "Server Side Search".

Theory. PostgreSQL cuts texts into words by dictionaries of single languages; a room has many, and
some scripts write no spaces. So the cutting is done here, the same for all languages. Texts are
folded (NFKC, no case), and what is neither letter, digit, mark nor symbol separates. In scripts
with spaces a word is what stands between separators. In Chinese, Japanese, Korean, Thai and their
like (Korean has spaces, but glues its particles to the words) a run of n characters becomes its
n - 1 overlapping pairs: whatever part of the run is searched, its pairs stand in the text one after
the other. For a search of one character the characters stand in the index as well, without a place.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# Of a longer word only the beginning counts, in the text and in what is searched alike.
WORD_LENGTH_MAX = 64
# A tsvector tells places apart up to here, and of one term the first 255: what a text says beyond
# is not found, nor is a phrase with a term that it has said so often.
PLACES_MAX = 16_383
# It may have a megabyte.
CHARACTERS_MAX = 200_000
CHARACTERS_KEPT_MAX = 20_000

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u0fff"  # Tibetan
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Burmese
    "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u1780-\u17ff\u19e0-\u19ff"  # Khmer
    "\u1950-\u19df\u1a20-\u1aaf"  # Tai Le, New Tai Lue, Tai Tham
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035"  # Radicals and marks of Han
    "\u3038-\u303c\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\u3040-\u30ff\u31f0-\u31ff"  # Kana
    "\u3100-\u312f\u31a0-\u31bf"  # Bopomofo
    "\ua000-\ua4cf"  # Yi
    "\U0001aff0-\U0001b16f"  # Further kana
    "\U00020000-\U0003ffff"  # Further Han
)
_FIRST = re.compile(f"[{_UNSPACED}]")
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")


class _Separated(dict[int, str]):
    """For str.translate: what becomes of a character."""

    def __missing__(self, code: int) -> str:
        one = chr(code)
        category = unicodedata.category(one)
        # Letters, digits and marks make words. A symbol, an emoji say, is a word of its own.
        if category[0] in "LNM":
            becomes = one
        elif category in ("So", "Sk"):
            becomes = f" {one} "
        else:
            # What only says how to write, a soft hyphen say, is not there.
            becomes = "" if category == "Cf" else " "
        if len(self) < CHARACTERS_KEPT_MAX:
            self[code] = becomes
        return becomes


# What was found out of characters: it never changes.
_SEPARATED = _Separated()


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, or a run of a script that has no spaces; `written` is folded."""

    written: str
    is_run: bool

    @property
    def terms(self) -> list[str]:
        """What stands in the index for it, one place each."""
        if not self.is_run:
            return [self.written[:WORD_LENGTH_MAX]]
        if len(self.written) == 1:
            return [self.written]
        return [self.written[at : at + 2] for at in range(len(self.written) - 1)]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Pieces that are searched together: one after the other where they were quoted."""

    pieces: tuple[Piece, ...]

    @property
    def terms(self) -> list[str]:
        return [term for piece in self.pieces for term in piece.terms]


def fold(text: str) -> str:
    """The text without what a reader takes for the same, width, case and ligatures; a blank between
    any two words.
    """
    folded = text.casefold()
    if not text.isascii():
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.translate(_SEPARATED).split())


def cut(text: str) -> list[Piece]:
    """The pieces of a text, in their order."""
    pieces: list[Piece] = []
    for word in fold(text).split():
        if word.isascii():
            pieces.append(Piece(word, False))
        else:
            for run in _RUN.findall(word):
                pieces.append(Piece(run, _FIRST.match(run) is not None))
    return pieces


def index_of(texts: Iterable[str]) -> tuple[dict[str, list[int]], set[str]]:
    """What is stored for some texts: the places of each term, and the terms that have none."""
    places: dict[str, list[int]] = {}
    characters: set[str] = set()
    place = size = 0
    for text in texts:
        for piece in cut(text):
            for term in piece.terms:
                place += 1
                size += len(term)
                if place >= PLACES_MAX or size > CHARACTERS_MAX:
                    return places, characters - places.keys()
                places.setdefault(term, []).append(place)
            if piece.is_run:
                characters.update(piece.written)
        place += 1  # No phrase goes from one text to the next.
    return places, characters - places.keys()


def read_search(term: str) -> list[Phrase]:
    """What is searched: texts with all of the phrases. Quotes make one phrase of several words."""
    phrases: list[Phrase] = []
    for number, part in enumerate(re.split('["\u201c\u201d\u201e]', term)):
        pieces = cut(part)
        if number % 2 and pieces:
            phrases.append(Phrase(tuple(pieces)))
        else:
            phrases += [Phrase((piece,)) for piece in pieces]
    return list(dict.fromkeys(phrases))
