"""Creating rooms. C-S API, "Creation"."""

from collections.abc import Callable
from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.core.event_builder import Draft
from impl.core.room_version import ROOM_VERSIONS, RoomVersion
from impl.requester import Requester
from impl.services import (
    aliases,
    initial_events,
    member_content,
    rate_limiting,
    room_reading,
    state_content,
)
from impl.services.initial_events import RoomOptions
from impl.services.remote_membership import invite as remote_invite
from impl.services.room_events import batching
from impl.services.room_events import create as event_creation
from impl.services.room_events.submission import RoomIdTaken, Submission
from impl.storage import aliases as alias_storage
from impl.storage.rooms import Room

# One room begins with so many invites at most: all of its events are one transaction.
INVITES_MAX = 500
INITIAL_STATE_MAX = 500
# Rooms that one user makes alike within one millisecond.
SAME_ROOMS_MAX = 50


def create(app: App, requester: Requester, options: RoomOptions) -> str:
    """Make a room with all that it begins with, or nothing at all, and return its id."""
    asked = options.room_version
    version = known_version(app.config.default_room_version if asked is None else asked)
    _check(app, options, version)
    creator = requester.user_id
    room_alias = None
    if options.room_alias_name is not None:
        room_alias = aliases.local_alias(app, options.room_alias_name)

    if room_alias is not None:
        aliases.check_may_use(app, requester, room_alias)
    invited = _invited(options)
    with app.database.read() as txn:
        if room_alias and alias_storage.get(txn, room_alias):
            raise errors.RoomInUse("the room alias is taken")
        member_content.check_invites_allowed(app, txn, requester, invited)
        profiles = member_content.profiles_of(app, txn, {creator, *options.invite})
    if invited:
        per_user = [("rc_invites_per_user", user_id, 1) for user_id in invited]
        issued = ("rc_invites_per_issuer", creator, len(invited))
        rate_limiting.spend_all(app, [issued, *per_user], requester)

    content = initial_events.create_content(options, creator, version)
    drafts = initial_events.drafts(options, creator, version, room_alias, profiles)

    def name_and_publish(txn: Any, room: Room) -> None:
        now_ms = app.now_ms()
        if room_alias and not alias_storage.insert(txn, room_alias, room.room_nid, creator, now_ms):
            raise errors.RoomInUse("the room alias is taken")
        if options.visibility == "public":
            alias_storage.publish(txn, room.room_nid, now_ms)

    return begin(app, creator, version, content, drafts, name_and_publish)


def begin(
    app: App,
    creator: str,
    version: RoomVersion,
    content: dict[str, Any],
    drafts: list[Draft],
    alongside: Callable[[Any, Room], None],
) -> str:
    """Make a room of the content of its first event and the drafts of the others, and return its
    id. Who is of another server is invited once the room is there.
    """
    now_ms = app.now_ms()
    invites = [one for one in drafts if remote_invite.is_elsewhere(app, one)]
    drafts = [one for one in drafts if not remote_invite.is_elsewhere(app, one)]
    try:
        # Since version 12 the id follows from the event: two equal rooms of one millisecond would
        # be one.
        for origin_server_ts in range(now_ms, now_ms + SAME_ROOMS_MAX):
            draft = Draft("m.room.create", creator, content, "", origin_server_ts=origin_server_ts)
            first = event_creation.create_event(app, draft, version.version)
            submission = Submission(first.room_id, drafts, create_event=first, alongside=alongside)
            try:
                batching.submit(app, submission)
            except RoomIdTaken:
                continue
            remote_invite.invite_all(app, first.room_id, invites)
            return first.room_id
    except errors.Forbidden as error:
        raise errors.InvalidRoomState(f"the room cannot begin so: {error.message}") from error
    raise errors.LimitExceeded("too many rooms at once", retry_after_ms=SAME_ROOMS_MAX)


def known_version(version: str) -> RoomVersion:
    """Raises UnsupportedRoomVersion."""
    if version not in ROOM_VERSIONS:
        raise errors.UnsupportedRoomVersion("this server does not know the room version")
    return ROOM_VERSIONS[version]


def check_creators(user_ids: object) -> None:
    """Raises BadJson for what cannot be `additional_creators`."""
    if not isinstance(user_ids, list) or not all(map(identifiers.is_user_id, user_ids)):
        raise errors.BadJson("additional_creators must be a list of user ids")


def _invited(options: RoomOptions) -> list[str]:
    """Who is invited, in either way."""
    as_state = [
        one.state_key
        for one in options.initial_state
        if one.event_type == "m.room.member" and one.content.get("membership") == "invite"
    ]
    return list(dict.fromkeys([*options.invite, *as_state]))


def _check(app: App, options: RoomOptions, version: RoomVersion) -> None:
    for user_id in _invited(options):
        member_content.check_user_id(user_id)
    if len(options.invite) > INVITES_MAX or len(options.initial_state) > INITIAL_STATE_MAX:
        raise errors.TooLarge("the room would begin with too many events")
    if version.creators_outrank_all and "additional_creators" in options.creation_content:
        check_creators(options.creation_content["additional_creators"])
    state_content.check_power_levels(app, dict(options.power_level_content_override))
    own_alias = None
    if options.room_alias_name is not None:
        own_alias = aliases.local_alias(app, options.room_alias_name)
    for one in options.initial_state:
        state_content.check(app, one.event_type, one.state_key, one.content)
        if (one.event_type, one.state_key) == room_reading.CANONICAL_ALIAS:
            # No other alias can point to a room that is not there yet.
            if aliases.named_in(one.content) - {own_alias}:
                raise errors.BadAlias("initial_state: an alias does not point to this room")
