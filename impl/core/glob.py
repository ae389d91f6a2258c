"""Patterns with wildcards. Appendices, "Glob-style matching"; C-S API, "Push Rules", "Filtering".

Whoever writes a pattern chooses how much work it is, so none may take longer than its length times
that of the text. What stands between two `*` is looked for from left to right, and the first place
where it is found is kept for good (an atomic group): a later place would leave less room for the
rest.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

# By the rules for `content.body`, all else is between words.
_NO_WORD_BEFORE = "(?<![A-Za-z0-9_])"
_NO_WORD_AFTER = "(?![A-Za-z0-9_])"


@dataclass(frozen=True, slots=True)
class Stars:
    """For whole texts; `*` stands for any characters, and letters have their case.

    Made without a regular expression: a filter may hold thousands, and none is worth compiling."""

    pieces: tuple[str, ...]

    @classmethod
    def of(cls, pattern: str) -> "Stars":
        return cls(tuple(pattern.split("*")))

    def matches(self, text: str) -> bool:
        first, *others = self.pieces
        if not others:
            return text == first
        if not text.startswith(first):
            return False
        *between, last = others
        at = len(first)
        for piece in between:
            at = text.find(piece, at)
            if at < 0:
                return False
            at += len(piece)
        return len(text) - len(last) >= at and text.endswith(last)


@lru_cache(maxsize=4096)
def compile_glob(pattern: str) -> re.Pattern[str]:
    """For whole texts in any case; `*` stands for any characters, `?` for one."""
    pieces = [piece.replace(r"\?", ".") for piece in _pieces(pattern)]
    return re.compile(_anchored(pieces), re.DOTALL | re.IGNORECASE)


@lru_cache(maxsize=4096)
def compile_word_glob(pattern: str) -> re.Pattern[str]:
    """As `compile_glob`, for any part of a text that begins and ends between words; for `match`."""
    first, *others = [piece.replace(r"\?", ".") for piece in _pieces(pattern)]
    if not others:
        return re.compile(f".*?{_NO_WORD_BEFORE}{first}{_NO_WORD_AFTER}", re.DOTALL | re.IGNORECASE)
    *between, last = others
    found = f"(?>.*?{_NO_WORD_BEFORE}{first})" + "".join(map(_next, between))
    return re.compile(f"{found}.*?{last}{_NO_WORD_AFTER}", re.DOTALL | re.IGNORECASE)


@lru_cache(maxsize=4096)
def compile_words(words: str) -> re.Pattern[str]:
    """For texts that hold these words, in any case, as whole ones. To be used with `search`."""
    return re.compile(_NO_WORD_BEFORE + re.escape(words) + _NO_WORD_AFTER, re.IGNORECASE)


def _pieces(pattern: str) -> list[str]:
    # Runs of `*` are one.
    return [re.escape(piece) for piece in re.sub(r"\*+", "*", pattern).split("*")]


def _anchored(pieces: list[str]) -> str:
    first, *others = pieces
    if not others:
        return rf"{first}\Z"
    *between, last = others
    return rf"{first}{''.join(map(_next, between))}.*{last}\Z"


def _next(piece: str) -> str:
    return f"(?>.*?{piece})"
