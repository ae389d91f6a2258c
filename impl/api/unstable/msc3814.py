"""api-specs/unstable/msc3814.yaml"""

from typing import Any

from generated.unstable.msc3814 import (
    GetDehydratedDeviceEventsQuery,
    PostDehydratedDeviceEventsBody,
    PostDehydratedDeviceEventsQuery,
    PutDehydratedDeviceBody,
)
from impl.app import App
from impl.requester import Requester
from impl.services import dehydrated_devices
from impl.services.dehydrated_devices import NewDevice


def get_dehydrated_device(app: App, requester: Requester) -> dict[str, Any]:
    return dehydrated_devices.get(app, requester)


def put_dehydrated_device(
    app: App, requester: Requester, body: PutDehydratedDeviceBody
) -> dict[str, Any]:
    new = NewDevice(
        body.device_id,
        body.device_data,
        body.initial_device_display_name,
        body.device_keys,
        body.one_time_keys,
        body.fallback_keys,
    )
    return {"device_id": dehydrated_devices.put(app, requester, new)}


def delete_dehydrated_device(app: App, requester: Requester) -> dict[str, Any]:
    return {"device_id": dehydrated_devices.delete(app, requester)}


def get_dehydrated_device_events(
    app: App, requester: Requester, device_id: str, query: GetDehydratedDeviceEventsQuery
) -> dict[str, Any]:
    page = dehydrated_devices.messages(app, requester, device_id, query.from_, query.limit)
    more = {"next_batch": page.next_token} if page.has_more else {}
    return {"events": page.events, **more}


def post_dehydrated_device_events(
    app: App,
    requester: Requester,
    device_id: str,
    query: PostDehydratedDeviceEventsQuery,
    body: PostDehydratedDeviceEventsBody,
) -> dict[str, Any]:
    page = dehydrated_devices.messages(app, requester, device_id, body.next_batch, query.limit)
    # COMPAT(matrix-js-sdk before 42): it goes on until a page is empty.
    return {"events": page.events, "next_batch": page.next_token}
