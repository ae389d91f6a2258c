"""A parser whose words may be ids that begin with `-`: a room's or an event's, without its sigil.

Since room version 4 these are hashes in URL-safe Base64: one in 64 begins like an option."""

import argparse
import re
from typing import Any

_HASH = re.compile(r"-[A-Za-z0-9_-]{42}")
# The beginning of one, too short to be known by its length: it must not look like a long option.
_BEGINNING = re.compile(r"-[A-Za-z0-9_][A-Za-z0-9_-]+")


class IdParser(argparse.ArgumentParser):
    def _parse_optional(self, arg_string: str) -> Any:
        """None, argparse says, is no option, whether it stands alone or is the value of one."""
        if _HASH.fullmatch(arg_string) or self._is_beginning(arg_string):
            return None
        return super()._parse_optional(arg_string)

    def _is_beginning(self, word: str) -> bool:
        if not _BEGINNING.fullmatch(word):
            return False
        actions = self._option_string_actions
        first = actions.get(word[:2])
        # `-cFILE` is the option -c and its value, and `-vh` are two without one.
        takes_value = first is not None and first.nargs != 0
        return not takes_value and not all("-" + one in actions for one in word[1:])
