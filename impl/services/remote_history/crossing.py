"""A page of history ends before a gap that may still be filled: who reads on has it filled, and
skips nothing. Only what nobody has is passed over."""

from impl.services.history_page import Page, Reader
from impl.services.remote_history import gaps
from impl.services.remote_history.gaps import Gap
from impl.storage import history
from impl.storage.history import Place


def cut_back(reader: Reader, page: Page, start: Place, end: Place) -> list[Gap]:
    """Let a page that goes back end at the first gap that it came by; returns the gaps."""
    depths = ((page.end or end)[0], start[0])
    found = gaps.between(reader.app, reader.txn, reader.room, depths)
    if found:
        depth = found[0].depth
        page.events = [one for one in page.events if one.event.depth >= depth]
        page.end = max((depth, history.FIRST[1]), page.end or end)
    return found


def cut_forth(reader: Reader, page: Page, start: Place, end: Place) -> list[Gap]:
    """The same for a page that goes on."""
    depths = (start[0] + 1, (page.end or end)[0])
    found = gaps.between(reader.app, reader.txn, reader.room, depths, is_back=False)
    if found:
        depth = found[0].depth
        page.events = [one for one in page.events if one.event.depth < depth]
        page.end = min((depth - 1, history.LAST[1]), page.end or end)
    return found
