"""api-specs/client-server/sync.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from generated.unrecognized import Unrecognized


class SyncQuery(Struct, kw_only=True):
    filter: str | None = None
    since: str | None = None
    full_state: bool | None = None
    set_presence: Literal['offline', 'online', 'unavailable'] | None = None
    timeout: int | None = None
    use_state_after: bool | None = None


class EventBatchDict(TypedDict):
    events: NotRequired[list[dict[str, Any]]]


class StateEventBatchDict(TypedDict):
    events: NotRequired[list[dict[str, Any]]]


class SyncResponse(TypedDict):
    next_batch: str
    rooms: NotRequired[SyncResponseRooms]
    presence: NotRequired[EventBatchDict]
    account_data: NotRequired[EventBatchDict]
    to_device: NotRequired[dict[str, Any]]
    device_lists: NotRequired[dict[str, Any]]
    device_one_time_keys_count: NotRequired[dict[str, int]]


class SyncResponseRooms(TypedDict):
    join: NotRequired[dict[str, SyncResponseRoomsJoinValue]]
    invite: NotRequired[dict[str, SyncResponseRoomsInviteValue]]
    knock: NotRequired[dict[str, SyncResponseRoomsKnockValue]]
    leave: NotRequired[dict[str, SyncResponseRoomsLeaveValue]]


class SyncResponseRoomsInviteValue(TypedDict):
    invite_state: NotRequired[SyncResponseRoomsInviteValueInviteState]


class SyncResponseRoomsInviteValueInviteState(TypedDict):
    events: NotRequired[list[dict[str, Any]]]


class SyncResponseRoomsJoinValue(TypedDict):
    summary: NotRequired[SyncResponseRoomsJoinValueSummary]
    state: NotRequired[StateEventBatchDict]
    state_after: NotRequired[StateEventBatchDict]
    timeline: NotRequired[TimelineBatchDict]
    ephemeral: NotRequired[EventBatchDict]
    account_data: NotRequired[EventBatchDict]
    unread_notifications: NotRequired[SyncResponseRoomsJoinValueUnreadNotifications]
    unread_thread_notifications: NotRequired[dict[str, SyncResponseRoomsJoinValueUnreadThreadNotificationsValue]]


SyncResponseRoomsJoinValueSummary = TypedDict('SyncResponseRoomsJoinValueSummary', {
    'm.heroes': NotRequired[list[str]],
    'm.joined_member_count': NotRequired[int],
    'm.invited_member_count': NotRequired[int],})


class SyncResponseRoomsJoinValueUnreadNotifications(TypedDict):
    highlight_count: NotRequired[int]
    notification_count: NotRequired[int]


class SyncResponseRoomsJoinValueUnreadThreadNotificationsValue(TypedDict):
    highlight_count: NotRequired[int]
    notification_count: NotRequired[int]


class SyncResponseRoomsKnockValue(TypedDict):
    knock_state: NotRequired[SyncResponseRoomsKnockValueKnockState]


class SyncResponseRoomsKnockValueKnockState(TypedDict):
    events: NotRequired[list[dict[str, Any]]]


class SyncResponseRoomsLeaveValue(TypedDict):
    state: NotRequired[StateEventBatchDict]
    state_after: NotRequired[StateEventBatchDict]
    timeline: NotRequired[TimelineBatchDict]
    account_data: NotRequired[EventBatchDict]


class TimelineBatchDict(TypedDict):
    limited: NotRequired[bool]
    prev_batch: NotRequired[str]
    events: list[dict[str, Any]]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def sync(
        self,
        app: Any,
        requester: Any,
        query: SyncQuery,
    ) -> SyncResponse | dict[str, Any]: ...


def sync(
    app: Any,
    requester: Any,
    query: SyncQuery,
) -> SyncResponse | dict[str, Any]:
    """GET /_matrix/client/v3/sync"""
    raise Unrecognized("sync")
