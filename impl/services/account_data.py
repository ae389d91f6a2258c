"""Account data and tags. C-S API, "Client Config", "Room Tagging"."""

from typing import Any

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.requester import Requester
from impl.storage import account_data, ignored_users

TAGS = "m.tag"
IGNORED_USERS = "m.ignored_user_list"
TYPE_BYTES_MAX = 255
# Kept by the server itself, through endpoints of their own.
SERVER_MANAGED = ("m.push_rules", "m.fully_read")


def get(
    app: App, requester: Requester, user_id: str, room_id: str, data_type: str
) -> dict[str, Any]:
    """`room_id` is '' for what belongs to no room."""
    _check(requester, user_id, room_id, data_type)
    with app.database.read() as txn:
        content = account_data.get(txn, user_id, room_id, data_type)
    if content is None:
        raise errors.NotFound("there is no account data of this type")
    return content


def put(
    app: App,
    requester: Requester,
    user_id: str,
    room_id: str,
    data_type: str,
    content: dict[str, Any],
) -> None:
    _check(requester, user_id, room_id, data_type)
    if data_type in SERVER_MANAGED:
        raise errors.MatrixError(
            f"{data_type} is kept by the server", status=405, errcode="M_BAD_JSON"
        )
    with app.database.transaction() as txn:
        if data_type == IGNORED_USERS and not room_id:
            put_ignored_users(txn, user_id, content)
        account_data.put(txn, user_id, room_id, data_type, content)


def put_ignored_users(txn: Any, user_id: str, content: dict[str, Any]) -> None:
    """Whom a user ignores, for those who ask by whom somebody is ignored."""
    listed = content.get("ignored_users")
    names = listed if isinstance(listed, dict) else {}
    # Nobody ignores themselves.
    ignored = {name for name in names if identifiers.is_user_id(name) and name != user_id}
    ignored_users.put(txn, user_id, ignored)


def get_tags(app: App, requester: Requester, user_id: str, room_id: str) -> dict[str, Any]:
    _check(requester, user_id, room_id, TAGS)
    with app.database.read() as txn:
        return _tags(account_data.get(txn, user_id, room_id, TAGS))


def put_tag(
    app: App, requester: Requester, user_id: str, room_id: str, tag: str, content: dict[str, Any]
) -> None:
    _check(requester, user_id, room_id, TAGS)
    if len(tag.encode(errors="surrogatepass")) > TYPE_BYTES_MAX:
        raise errors.InvalidParam(f"tag is longer than {TYPE_BYTES_MAX} bytes")
    order = content.get("order", 0)
    if isinstance(order, bool) or not isinstance(order, int | float) or not 0 <= order <= 1:
        raise errors.BadJson("order is not a number from 0 to 1")
    with app.database.transaction() as txn:
        account_data.lock(txn, user_id)
        tags = _tags(account_data.get(txn, user_id, room_id, TAGS))
        account_data.put(txn, user_id, room_id, TAGS, {"tags": {**tags, tag: content}})


def delete_tag(app: App, requester: Requester, user_id: str, room_id: str, tag: str) -> None:
    _check(requester, user_id, room_id, TAGS)
    with app.database.transaction() as txn:
        account_data.lock(txn, user_id)
        tags = _tags(account_data.get(txn, user_id, room_id, TAGS))
        if tags.pop(tag, None) is not None:
            account_data.put(txn, user_id, room_id, TAGS, {"tags": tags})


def check_room(room_id: str) -> None:
    """Raises InvalidParam for what is not a room id; the room need not be known here."""
    if not identifiers.is_room_id(room_id):
        raise errors.InvalidParam("room_id is not a room id")


def _tags(content: dict[str, Any] | None) -> dict[str, Any]:
    tags = (content or {}).get("tags")
    return tags if isinstance(tags, dict) else {}


def _check(requester: Requester, user_id: str, room_id: str, data_type: str) -> None:
    if requester.user_id != user_id:
        raise errors.Forbidden("you can only reach your own account data")
    if len(data_type.encode(errors="surrogatepass")) > TYPE_BYTES_MAX:
        raise errors.InvalidParam(f"type is longer than {TYPE_BYTES_MAX} bytes")
