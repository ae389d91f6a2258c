"""Media as users and other servers ask for them."""

from typing import Any
from urllib.parse import quote

from tests.api.api_client import Answer, User
from tests.federation import signed_requests
from tests.federation.conftest import Server, key_of

FEDERATION = "/_matrix/federation/v1/media"


def upload(
    user: User, data: bytes, content_type: str = "text/plain", name: str | None = None
) -> str:
    """The media id."""
    query = "" if name is None else f"?filename={quote(name, safe='')}"
    answer = user.api.request(
        "POST",
        f"/_matrix/media/v3/upload{query}",
        token=user.access_token,
        data=data,
        headers={"CONTENT_TYPE": content_type},
    )
    assert answer.status == 200, answer
    return str(answer.json["content_uri"].rpartition("/")[2])


def promise(user: User) -> str:
    """The media id of a file to come."""
    answer = user.post("/_matrix/media/v1/create")
    assert answer.status == 200, answer
    return str(answer.json["content_uri"].rpartition("/")[2])


def keep_promise(user: User, media_id: str, data: bytes) -> None:
    server_name = user.user_id.partition(":")[2]
    answer = user.api.request(
        "PUT",
        f"/_matrix/media/v3/upload/{server_name}/{media_id}",
        token=user.access_token,
        data=data,
        headers={"CONTENT_TYPE": "text/plain"},
    )
    assert answer.status == 200, answer


def download(user: User, server_name: str, media_id: str, **query: Any) -> Answer:
    path = f"/_matrix/client/v1/media/download/{server_name}/{media_id}"
    return user.get(path, {"timeout_ms": 0, **query})


def ask_signed(server: Server, origin: str, target: str) -> Answer:
    """As another server, whose key is known."""
    given = signed_requests.header(origin, key_of(origin), target=target, destination=server.name)
    return server.api.request("GET", target, headers={"HTTP_AUTHORIZATION": given})
