"""How many of a kind are under way at a time. A key of which there is none takes no space: keys may
be what strangers say.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def counted(counts: Counter[str], key: str) -> Iterator[None]:
    """One more of a key, as long as it lasts."""
    counts[key] += 1
    try:
        yield
    finally:
        counts[key] -= 1
        if not counts[key]:
            del counts[key]
