"""Room versions as data. Rooms, "Room Versions".

One frozen row of flags per version, each written as its difference from the version before. Rules
ask for a flag and never for a version.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class RoomVersion:
    """What is different between versions. Each flag says since when, or until when."""

    version: str
    # "v1" in 1, "v2" in 2 to 11, "v2.1" since 12.
    state_resolution: str = "v1"
    # Since 3: the event id is the reference hash. Before, it is a key of the event.
    event_id_is_hash: bool = False
    # Since 4: the hash is written in the URL-safe alphabet.
    event_id_is_url_safe: bool = False
    # Until 2: the rules ask for power, or one's own server's event, to redact.
    redactions_need_power: bool = True
    # Since 5: a key must have been valid when the event was made.
    enforce_key_validity: bool = False
    # Which list of keys survives a redaction: of version 1, 6, 8, 9 or 11.
    redaction_rules: int = 1
    # Until 5: m.room.aliases has a rule of its own.
    aliases_are_special: bool = True
    # Since 6: integers in range and no floats, in all events.
    strict_canonical_json: bool = False
    # Since 6: the levels under `notifications` are guarded like those under `events`.
    notifications_need_power: bool = False
    # Since 7.
    knock: bool = False
    # Since 8.
    restricted_join: bool = False
    # Since 10: the join rule knock_restricted.
    knock_restricted_join: bool = False
    # Since 10: power levels are integers; before, strings of digits count as well.
    integer_power_levels: bool = False
    # Since 11: who sent the create event is the creator; `content.creator` is gone, and `redacts`
    # lies in the content.
    creator_is_sender: bool = False
    # Since 12: creators, additional ones too, stand above all levels.
    creators_outrank_all: bool = False
    # Since 12: the room id is the create event's id with another sigil; nobody lists it among auth
    # events.
    room_id_is_create_hash: bool = False

    @property
    def redacts_in_content(self) -> bool:
        """Since 11 a redaction names its event in the content."""
        return self.creator_is_sender

    def can_have(self, room_id: str) -> bool:
        """Whether a room of this version can have that id: no create event with another would be
        accepted.
        """
        return (":" not in room_id) is self.room_id_is_create_hash


V1 = RoomVersion("1")
V2 = replace(V1, version="2", state_resolution="v2")
V3 = replace(V2, version="3", event_id_is_hash=True, redactions_need_power=False)
V4 = replace(V3, version="4", event_id_is_url_safe=True)
V5 = replace(V4, version="5", enforce_key_validity=True)
V6 = replace(
    V5,
    version="6",
    redaction_rules=6,
    aliases_are_special=False,
    strict_canonical_json=True,
    notifications_need_power=True,
)
V7 = replace(V6, version="7", knock=True)
V8 = replace(V7, version="8", redaction_rules=8, restricted_join=True)
V9 = replace(V8, version="9", redaction_rules=9)
V10 = replace(V9, version="10", knock_restricted_join=True, integer_power_levels=True)
V11 = replace(V10, version="11", redaction_rules=11, creator_is_sender=True)
V12 = replace(
    V11,
    version="12",
    state_resolution="v2.1",
    creators_outrank_all=True,
    room_id_is_create_hash=True,
)

ROOM_VERSIONS = {v.version: v for v in (V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12)}
