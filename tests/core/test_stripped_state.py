"""What another server shows of its room is trimmed to what may be shown."""

from impl.core import stripped_state

NAME = {"type": "m.room.name", "state_key": "", "content": {"name": "x"}, "sender": "@a:b"}


def test_only_stripped_state_is_kept() -> None:
    hostile = [1, None, {"type": "m.room.name"}, {**NAME, "content": "x"}, {**NAME, "type": 1}]
    more = {**NAME, "event_id": "$x", "signatures": {}}
    assert stripped_state.read([*hostile, more]) == [NAME]
    for nothing in (None, 1, {}, {"a": 1}, "text"):
        assert stripped_state.read(nothing) == []


def test_there_is_an_end_to_it() -> None:
    assert len(stripped_state.read([NAME] * 1000)) == stripped_state.EVENTS_MAX
    large = {**NAME, "content": {"name": "x" * (stripped_state.BYTES_MAX // 2)}}
    assert stripped_state.read([NAME, large, large, NAME]) == [NAME, large]
