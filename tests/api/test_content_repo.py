"""C-S API, "Content repository": uploads and promises, and who may have what."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from impl.app import App
from impl.config import RateLimit
from impl.config.media import Media, UploadLimit
from tests.api.accounts_actions import an_admin, moderate
from tests.api.api_client import Answer, Api, User, register

MEDIA = "/_matrix/media"
AUTHED = "/_matrix/client/v1/media"
V3 = "/_matrix/client/v3"

ApiOf = Callable[[App], Api]
NewApp = Callable[..., App]


def upload(
    user: User | Api,
    data: bytes = b"hello",
    content_type: str = "text/plain",
    file_name: str | None = None,
    to: str | None = None,
) -> Answer:
    """`to` is the mxc:// URI that was promised."""
    api, token = (user.api, user.access_token) if isinstance(user, User) else (user, None)
    path = f"{MEDIA}/v3/upload" + (f"/{to.removeprefix('mxc://')}" if to else "")
    return api.request(
        "PUT" if to else "POST",
        path,
        token=token,
        query={"filename": file_name} if file_name is not None else None,
        data=data,
        headers={"CONTENT_TYPE": content_type},
    )


def uploaded(user: User, *arguments: object, **more: object) -> str:
    answer = upload(user, *arguments, **more)  # type: ignore[arg-type]
    assert answer.status == 200, answer
    uri: str = answer.json["content_uri"]
    assert uri.startswith("mxc://soma.test/")
    return uri


def create(user: User) -> Answer:
    return user.post(f"{MEDIA}/v1/create")


def promised(user: User) -> str:
    answer = create(user)
    assert answer.status == 200, answer
    uri: str = answer.json["content_uri"]
    return uri


def download(
    user: User | Api, uri: str, version: str | None = None, file_name: str = "", **query: object
) -> Answer:
    """By the authenticated path, or by that of a version before them."""
    place = uri.removeprefix("mxc://") + (f"/{quote(file_name, safe='')}" if file_name else "")
    path = f"{MEDIA}/{version}/download/{place}" if version else f"{AUTHED}/download/{place}"
    return user.get(path, query=query)


def guest(api: Api) -> User:
    made = api.post(f"{V3}/register", {}, query={"kind": "guest"}).json
    return User(api, made["user_id"], made["access_token"], made["device_id"], "")


@pytest.fixture
def thawed(new_app: NewApp, api_of: ApiOf) -> Api:
    """A server whose files anybody may have."""
    return api_of(new_app(media=Media(enable_authenticated_media=False)))


def kept(app: App) -> list[Path]:
    return [path for path in app.media_files.root.rglob("*") if path.is_file()]


def test_what_was_uploaded_is_downloaded(alice: User, bob: User) -> None:
    uri = uploaded(alice, b"hello", "text/plain", "a.txt")
    answer = download(bob, uri)
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["content-disposition"] == "inline; filename=a.txt"
    assert answer.headers["content-length"] == "5"
    assert answer.headers["content-security-policy"].startswith("sandbox;")


def test_it_can_be_called_otherwise(alice: User) -> None:
    uri = uploaded(alice, file_name="a.txt")
    answer = download(alice, uri, file_name="b c.txt")
    assert answer.status == 200
    assert answer.headers["content-disposition"] == "inline; filename*=utf-8''b%20c.txt"


def test_a_file_without_a_type_or_a_name(alice: User) -> None:
    answer = download(alice, uploaded(alice, b"", "", ""))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"


def test_the_head_of_a_file(alice: User) -> None:
    uri = uploaded(alice)
    path = f"{AUTHED}/download/{uri.removeprefix('mxc://')}"
    answer = alice.api.request("HEAD", path, token=alice.access_token)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == "5"


def test_a_name_that_is_too_long_is_refused(alice: User, app: App) -> None:
    answer = upload(alice, file_name="x" * 2000)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
    assert "filename" in answer.json["error"]
    assert kept(app) == []


def test_a_file_that_is_too_large_is_refused(new_app: NewApp, api_of: ApiOf) -> None:
    app = new_app(max_upload_size=4)
    alice = register(api_of(app), "alice")
    assert alice.get(f"{AUTHED}/config").json == {"m.upload.size": 4}
    assert alice.get(f"{MEDIA}/v3/config").json == {"m.upload.size": 4}
    uri = promised(alice)
    for answer in (upload(alice, b"12345"), upload(alice, b"12345", to=uri)):
        assert (answer.status, answer.errcode) == (413, "M_TOO_LARGE")
    assert kept(app) == []
    assert upload(alice, b"1234", to=uri).status == 200


def test_a_promised_file(alice: User, bob: User) -> None:
    answer = create(alice)
    uri = answer.json["content_uri"]
    expires_ms = answer.json["unused_expires_at"]
    assert 0 <= alice_now(alice) + 86_400_000 - expires_ms < 60_000
    early = download(bob, uri, timeout_ms=0)
    assert (early.status, early.errcode) == (504, "M_NOT_YET_UPLOADED")
    answer = upload(alice, b"late", file_name="late.txt", to=uri)
    assert (answer.status, answer.json) == (200, {})
    answer = download(bob, uri)
    assert (answer.status, answer.body) == (200, b"late")
    assert "late.txt" in answer.headers["content-disposition"]


def alice_now(user: User) -> int:
    app: App = user.api.wsgi._app  # type: ignore[attr-defined]
    return app.now_ms()


def test_only_one_s_own_promise_is_kept_and_once(alice: User, bob: User) -> None:
    uri = promised(alice)
    answer = upload(bob, to=uri)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    assert upload(alice, b"first", to=uri).status == 200
    answer = upload(alice, b"second", to=uri)
    assert (answer.status, answer.errcode) == (409, "M_CANNOT_OVERWRITE_MEDIA")
    assert download(alice, uri).body == b"first"


@pytest.mark.parametrize(
    "uri",
    ["mxc://soma.test/unknown", "mxc://other.test/abc", "mxc://soma.test/%2e%2e%2f%2e%2e%2fx"],
)
def test_what_was_never_promised_is_not_found(alice: User, app: App, uri: str) -> None:
    answer = upload(alice, to=uri)
    assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    assert kept(app) == []


def test_too_many_promises(alice: User) -> None:
    for _ in range(5):
        promised(alice)
    answer = create(alice)
    assert (answer.status, answer.errcode) == (429, "M_LIMIT_EXCEEDED")
    assert 86_000_000 < answer.json["retry_after_ms"] <= 86_400_000
    assert int(answer.headers["retry-after"]) > 86_000


def test_promises_too_often(new_app: NewApp, api_of: ApiOf, app: App) -> None:
    limits = replace(app.config.rate_limits, rc_media_create=RateLimit(0.001, 2))
    settings = Media(max_pending_media_uploads=100)
    alice = register(api_of(new_app(rate_limits=limits, media=settings)), "alice")
    assert [create(alice).status for _ in range(3)] == [200, 200, 429]


def test_a_quota(new_app: NewApp, api_of: ApiOf) -> None:
    limit = UploadLimit(3_600_000, 8, "https://soma.test/quota", True)
    app = new_app(media=Media(media_upload_limits=(limit,)))
    alice = register(api_of(app), "alice")
    uri = promised(alice)
    uploaded(alice, b"12345")
    for answer in (upload(alice, b"1234"), upload(alice, b"1234", to=uri)):
        assert (answer.status, answer.errcode) == (403, "M_USER_LIMIT_EXCEEDED")
        assert answer.json["info_uri"] == "https://soma.test/quota"
        assert answer.json["can_upgrade"] is True
    assert len(kept(app)) == 1
    assert upload(alice, b"123", to=uri).status == 200


def requests(uri: str) -> list[tuple[str, str]]:
    place = uri.removeprefix("mxc://")
    return [
        ("POST", f"{MEDIA}/v3/upload"),
        ("PUT", f"{MEDIA}/v3/upload/{place}"),
        ("POST", f"{MEDIA}/v1/create"),
        ("GET", f"{MEDIA}/v3/config"),
        ("GET", f"{AUTHED}/config"),
        ("GET", f"{AUTHED}/download/{place}"),
        ("GET", f"{AUTHED}/download/{place}/a.txt"),
    ]


def test_without_a_token_or_with_a_wrong_one_nothing_goes(api: Api, app: App, alice: User) -> None:
    uri = promised(alice)
    for method, path in requests(uri):
        for token, errcode in ((None, "M_MISSING_TOKEN"), ("wrong", "M_UNKNOWN_TOKEN")):
            data = b"x" if method != "GET" else None
            answer = api.request(method, path, token=token, data=data)
            assert (answer.status, answer.errcode) == (401, errcode), path
    assert kept(app) == []


def test_guests_read_and_do_not_write(new_app: NewApp, api_of: ApiOf) -> None:
    app = new_app(allow_guest_access=True)
    api = api_of(app)
    uri = uploaded(register(api, "alice"))
    someone = guest(api)
    answers = {
        path: api.request(
            method, path, token=someone.access_token, data=b"x" if method != "GET" else None
        )
        for method, path in requests(uri)
    }
    assert {path for path, answer in answers.items() if answer.status == 200} == {
        path for path in answers if path.startswith(f"{AUTHED}/download/")
    }
    refused = {answer.errcode for answer in answers.values() if answer.status != 200}
    assert refused == {"M_GUEST_ACCESS_FORBIDDEN"}
    assert len(kept(app)) == 1


def test_who_is_suspended_reads_and_does_not_write(
    api: Api, app: App, alice: User, bob: User
) -> None:
    uri, own = uploaded(alice), promised(bob)
    moderate(an_admin(api, app), "suspend", bob.user_id, True)
    for answer in (upload(bob), upload(bob, to=own), create(bob)):
        assert (answer.status, answer.errcode) == (403, "M_USER_SUSPENDED")
    assert download(bob, uri).status == 200
    assert bob.get(f"{AUTHED}/config").status == 200
    assert len(kept(app)) == 1


def test_who_is_locked_does_neither(api: Api, app: App, alice: User, bob: User) -> None:
    uri = uploaded(alice)
    moderate(an_admin(api, app), "lock", bob.user_id, True)
    for answer in (upload(bob), create(bob), download(bob, uri)):
        assert (answer.status, answer.errcode) == (401, "M_USER_LOCKED")
    assert len(kept(app)) == 1


@pytest.mark.parametrize("version", ["v3", "r0", "v1"])
def test_strangers_get_nothing_by_the_old_paths(api: Api, alice: User, version: str) -> None:
    uri = uploaded(alice)
    for file_name in ("", "a.txt"):
        answer = download(api, uri, version, file_name)
        assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND")
    # With or without a token: these paths do not ask for one.
    assert download(alice, uri, version).status == 404


@pytest.mark.parametrize("version", ["v3", "r0", "v1"])
def test_strangers_get_what_came_before_the_freeze(
    thawed: Api, new_app: NewApp, api_of: ApiOf, version: str
) -> None:
    alice = register(thawed, "alice")
    old = uploaded(alice, b"old")
    assert download(thawed, old, version).body == b"old"
    named = download(thawed, old, version, "b.txt", allow_remote="false", allow_redirect="true")
    assert named.headers["content-disposition"] == "inline; filename=b.txt"

    dsn = thawed.wsgi._app.database.dsn  # type: ignore[attr-defined]
    frozen = api_of(new_app(dsn))
    new = uploaded(replace(alice, api=frozen), b"new")
    assert download(frozen, old, version).body == b"old"
    assert download(frozen, new, version).status == 404
    assert download(replace(alice, api=frozen), old).body == b"old"


def test_the_authenticated_paths_ask_who_it_is_whatever_is_frozen(thawed: Api) -> None:
    uri = uploaded(register(thawed, "alice"))
    assert download(thawed, uri).errcode == "M_MISSING_TOKEN"


HOSTILE = [
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "..",
    ".",
    "a%00b",
    "a%2fb",
    "%ff",
    "%",
    "a b".replace(" ", "%20"),
    "x" * 10_000,
    "%c3%a9",
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_find_nothing(alice: User, thawed: Api, app: App, name: str) -> None:
    uploaded(alice)
    (app.media_files.root / "secret").write_bytes(b"secret")
    for path in (
        f"{AUTHED}/download/soma.test/{name}",
        f"{AUTHED}/download/soma.test/{name}/a.txt",
        f"{AUTHED}/download/{name}/abcdefgh",
        f"{MEDIA}/v3/upload/soma.test/{name}",
        f"{MEDIA}/v3/upload/{name}/abcdefgh",
    ):
        method = "PUT" if "upload" in path else "GET"
        data = b"x" if method == "PUT" else None
        answer = alice.api.request(method, path, token=alice.access_token, data=data)
        assert (answer.status, answer.errcode) in (
            (404, "M_NOT_FOUND"),
            (400, "M_INVALID_PARAM"),
            (404, "M_UNRECOGNIZED"),
        ), path
    for path in (f"{MEDIA}/v3/download/soma.test/{name}", f"{MEDIA}/v3/download/{name}/abcdefgh"):
        assert thawed.get(path).status in (400, 404)


@pytest.mark.parametrize("name", ["..%2f..%2fx", "a%0d%0aX-Evil:%201", '"; a=b', "x" * 5_000])
def test_a_hostile_name_for_a_file_is_only_a_name(alice: User, name: str) -> None:
    uri = uploaded(alice)
    path = f"{AUTHED}/download/{uri.removeprefix('mxc://')}/{quote(name, safe='%')}"
    answer = alice.get(path)
    assert (answer.status, answer.body) == (200, b"hello")
    assert "x-evil" not in answer.headers
    assert not set("\r\n") & set(answer.headers["content-disposition"])
    assert len(answer.headers["content-disposition"]) < 4096


@pytest.mark.parametrize("timeout_ms", ["soon", "1.5", str(2**60)])
def test_a_time_that_is_none_is_refused_by_name(alice: User, timeout_ms: str) -> None:
    answer = download(alice, uploaded(alice), timeout_ms=timeout_ms)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
    assert "timeout_ms" in answer.json["error"]


def test_previews_are_not_there(alice: User) -> None:
    for path in (f"{AUTHED}/preview_url", f"{MEDIA}/v3/preview_url"):
        answer = alice.get(path, query={"url": "https://soma.test/"})
        assert (answer.status, answer.errcode) == (404, "M_UNRECOGNIZED")
