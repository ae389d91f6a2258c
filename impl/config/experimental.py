"""`experimental_features`: what Synapse can be told to do before it is in the specification, or
could once.

Nothing of it is switched on or off here: it is there or not. The file is told where that is not as
it says."""

from impl.config import synapse_keys
from impl.config.section import Section


def read(root: Section) -> None:
    """Warn of what is wanted and not there, and of what is there and not wanted."""
    for name, value in root.mapping("experimental_features").items():
        key = f"experimental_features.{name}"
        is_wanted = bool(value)
        if name in synapse_keys.EXPERIMENTS_PRESENT and not is_wanted:
            root.warn(key, "cannot be turned off: what it is about is always there")
        elif name not in synapse_keys.EXPERIMENTS_PRESENT and is_wanted:
            root.warn(key, "is not there: it is ignored")
