"""api-specs/unstable/msc3814.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Meta, Struct, field
from typing import Annotated, Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class GetDehydratedDeviceEventsQuery(Struct, kw_only=True):
    from_: str | None = field(name='from', default=None)
    limit: Annotated[int, Meta(ge=1)] | None = None


class PostDehydratedDeviceEventsBody(Struct, kw_only=True):
    next_batch: str | None = None


class PostDehydratedDeviceEventsQuery(Struct, kw_only=True):
    limit: Annotated[int, Meta(ge=1)] | None = None


class PutDehydratedDeviceBody(Struct, kw_only=True):
    device_id: str
    device_data: dict[str, Any]
    device_keys: dict[str, Any]
    initial_device_display_name: str | None = None
    one_time_keys: dict[str, str | dict[str, Any]] | None = None
    fallback_keys: dict[str, str | dict[str, Any]] | None = None


class GetDehydratedDeviceEventsResponse(TypedDict):
    events: list[dict[str, Any]]
    next_batch: NotRequired[str]


class GetDehydratedDeviceResponse(TypedDict):
    device_id: str
    device_data: dict[str, Any]


class NamedDict(TypedDict):
    device_id: str


DeleteDehydratedDeviceResponse: TypeAlias = NamedDict


class PostDehydratedDeviceEventsResponse(TypedDict):
    events: list[dict[str, Any]]
    next_batch: str


PutDehydratedDeviceResponse: TypeAlias = NamedDict


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_dehydrated_device(
        self,
        app: Any,
        requester: Any,
    ) -> GetDehydratedDeviceResponse | dict[str, Any]: ...

    def put_dehydrated_device(
        self,
        app: Any,
        requester: Any,
        body: PutDehydratedDeviceBody,
    ) -> PutDehydratedDeviceResponse | dict[str, Any]: ...

    def delete_dehydrated_device(
        self,
        app: Any,
        requester: Any,
    ) -> DeleteDehydratedDeviceResponse | dict[str, Any]: ...

    def get_dehydrated_device_events(
        self,
        app: Any,
        requester: Any,
        device_id: str,
        query: GetDehydratedDeviceEventsQuery,
    ) -> GetDehydratedDeviceEventsResponse | dict[str, Any]: ...

    def post_dehydrated_device_events(
        self,
        app: Any,
        requester: Any,
        device_id: str,
        query: PostDehydratedDeviceEventsQuery,
        body: PostDehydratedDeviceEventsBody,
    ) -> PostDehydratedDeviceEventsResponse | dict[str, Any]: ...


def get_dehydrated_device(
    app: Any,
    requester: Any,
) -> GetDehydratedDeviceResponse | dict[str, Any]:
    """GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"""
    raise Unrecognized("getDehydratedDevice")


def put_dehydrated_device(
    app: Any,
    requester: Any,
    body: PutDehydratedDeviceBody,
) -> PutDehydratedDeviceResponse | dict[str, Any]:
    """PUT /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"""
    raise Unrecognized("putDehydratedDevice")


def delete_dehydrated_device(
    app: Any,
    requester: Any,
) -> DeleteDehydratedDeviceResponse | dict[str, Any]:
    """DELETE /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"""
    raise Unrecognized("deleteDehydratedDevice")


def get_dehydrated_device_events(
    app: Any,
    requester: Any,
    device_id: str,
    query: GetDehydratedDeviceEventsQuery,
) -> GetDehydratedDeviceEventsResponse | dict[str, Any]:
    """GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events"""
    raise Unrecognized("getDehydratedDeviceEvents")


def post_dehydrated_device_events(
    app: Any,
    requester: Any,
    device_id: str,
    query: PostDehydratedDeviceEventsQuery,
    body: PostDehydratedDeviceEventsBody,
) -> PostDehydratedDeviceEventsResponse | dict[str, Any]:
    """POST /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events"""
    raise Unrecognized("postDehydratedDeviceEvents")
