"""What goes in its time: promises, what nobody asks for; and what stays."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from impl import errors
from impl.app import App
from impl.config.media import Media as Settings
from impl.core.event_builder import Draft
from impl.jobs import media as jobs
from impl.jobs import periodic
from impl.services import accounts
from impl.services.media import access, upkeep
from impl.storage import media, profiles
from tests.builders import ALICE, BOB, a_room, append, member
from tests.explained import Explained
from tests.services.media.files import (
    ask,
    download,
    keep_promise,
    on_disk,
    promise,
    upload,
)

DAY_MS = 86_400_000
NewApp = Callable[..., App]


def stop_clock(app: App) -> Callable[[int], None]:
    now = [app.now_ms()]
    app.now_ms = lambda: now[0]

    def move(by_ms: int) -> None:
        now[0] += by_ms

    return move


def known(app: App) -> set[str]:
    return {media_id for (media_id,) in ask(app, "SELECT media_id FROM media")}


def test_it_is_done_now_and_then() -> None:
    assert {jobs.sweep, jobs.delete_unasked} <= {job.run for job in periodic.JOBS}


def test_promises_that_nobody_kept_are_forgotten(app: App) -> None:
    move = stop_clock(app)
    kept, old = promise(app), promise(app)
    keep_promise(app, kept, b"x")
    move(DAY_MS - 1)
    new = promise(app)
    jobs.sweep(app)
    assert known(app) == {kept, old, new}
    move(1)
    jobs.sweep(app)
    assert known(app) == {kept, new}


def remote(app: App, media_id: str, **changes: Any) -> None:
    now_ms = app.now_ms()
    file = media.Media(
        "other.test", media_id, f"{media_id}Id", None, now_ms, now_ms, 1, b"", None, None, None,
        True, None,
    )._replace(**changes)  # fmt: skip
    path = app.media_files.path(file.origin, file.file_id)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    thumbnail = app.media_files.thumbnail_path(
        file.origin, file.file_id, 32, 32, "image/png", "crop", False
    )
    thumbnail.parent.mkdir(parents=True)
    thumbnail.write_bytes(b"small")
    with app.database.transaction() as txn:
        assert media.insert(txn, file)
        small = media.Thumbnail(32, 32, "crop", "image/png", False, 5)
        media.insert_thumbnails(txn, file.origin, file.media_id, [small])


def test_without_a_setting_all_is_kept(app: App) -> None:
    move = stop_clock(app)
    upload(app, b"x")
    remote(app, "theirs")
    move(1000 * DAY_MS)
    jobs.delete_unasked(app)
    jobs.sweep(app)
    assert len(known(app)) == 2


def test_what_other_servers_have_still_goes_when_nobody_asks_for_it(new_app: NewApp) -> None:
    app = new_app(media=Settings(remote_media_lifetime=2 * DAY_MS))
    move = stop_clock(app)
    ours = upload(app, b"x")
    remote(app, "old")
    remote(app, "bad", quarantined_by="@admin:soma.test")
    remote(app, "asked")
    move(DAY_MS)
    with app.database.transaction() as txn:
        media.put_accessed(txn, [("other.test", "asked", app.now_ms())])
    move(DAY_MS)
    jobs.delete_unasked(app)
    assert known(app) == {ours, "old", "bad", "asked"}
    move(1)
    jobs.delete_unasked(app)
    assert known(app) == {ours, "bad", "asked"}
    assert ask(app, "SELECT media_id FROM media_thumbnails ORDER BY 1") == [("asked",), ("bad",)]
    assert not app.media_files.path("other.test", "oldId").exists()
    assert len(on_disk(app)) == 5
    assert ask(app, "SELECT 1 FROM media_loose_files") == []


def test_what_is_ours_goes_where_it_is_said_so_but_for_avatars(new_app: NewApp) -> None:
    app = new_app(media=Settings(local_media_lifetime=2 * DAY_MS))
    accounts.register_user(app, "alice", None)
    move = stop_clock(app)
    names = ["old", "asked", "of a profile", "in a room", "of a room", "of a room before"]
    files = {name: upload(app, name.encode()) for name in names}
    promised = promise(app)
    uri = {name: f"mxc://soma.test/{media_id}" for name, media_id in files.items()}
    with app.database.transaction() as txn:
        profiles.put(txn, ALICE, "avatar_url", uri["of a profile"])
        profiles.put(txn, ALICE, "org.test.picture", uri["old"])
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join", avatar_url=uri["in a room"]))
    for name in ("of a room before", "of a room"):
        content = {"url": uri[name], "info": {"thumbnail_url": uri["old"]}}
        append(app, room_id, Draft("m.room.avatar", ALICE, content, ""))
    append(app, room_id, Draft("m.room.message", ALICE, {"url": uri["old"], "body": "x"}))

    move(DAY_MS)
    assert download(app, files["asked"]) == b"asked"
    app.part(access.Accesses, access.Accesses)._write()
    move(DAY_MS + 1)
    jobs.delete_unasked(app)
    stay = {"asked", "of a profile", "in a room", "of a room"}
    assert known(app) == {files[name] for name in stay} | {promised}
    assert len(on_disk(app)) == 4
    with pytest.raises(errors.NotFound):
        download(app, files["old"])
    # An avatar is in use as long as it is one.
    with app.database.transaction() as txn:
        profiles.delete(txn, ALICE, "avatar_url")
    move(2 * DAY_MS + 1)
    jobs.delete_unasked(app)
    assert known(app) == {files["in a room"], files["of a room"], promised}


def test_many_go_in_batches_and_avatars_do_not_stand_in_their_way(
    new_app: NewApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BATCH_ROWS", 3)
    app = new_app(media=Settings(local_media_lifetime=DAY_MS))
    accounts.register_user(app, "alice", None)
    move = stop_clock(app)
    files = []
    for _ in range(8):
        files.append(upload(app, b"x"))
        move(1)
    for number, media_id in enumerate(files[:4]):
        with app.database.transaction() as txn:
            txn.execute(
                "INSERT INTO profile_fields (user_id, key_name, value)"
                " VALUES (%s, 'avatar_url', %s)",
                (f"@{number}:soma.test", json.dumps(f"mxc://soma.test/{media_id}")),
            )
    move(DAY_MS)
    assert jobs.delete_unasked(app) is False
    assert known(app) == set(files[:4])


@pytest.mark.parametrize("is_own", [True, False])
def test_what_is_unasked_is_found_by_an_index(app: App, is_own: bool) -> None:
    with app.database.transaction() as txn:
        explained = Explained(txn)
        media.lock_unasked(explained, "soma.test", 1, 1, is_own=is_own)
    assert "media_unasked_of_" + ("ours" if is_own else "others") in explained.plan
    assert "Index Cond: (accessed_ts" in explained.plan


def test_who_deletes_and_who_asks_do_not_harm_each_other(new_app: NewApp) -> None:
    app = new_app(media=Settings(local_media_lifetime=DAY_MS))
    move = stop_clock(app)
    media_id = upload(app, b"x")
    move(DAY_MS + 1)
    # Held: somebody notes that it was asked for.
    with app.database.transaction() as txn:
        media.put_accessed(txn, [("soma.test", media_id, app.now_ms())])
        assert upkeep.delete_unasked_of_ours(app, 10) is False
    upkeep.delete_unasked_of_ours(app, 10)
    assert download(app, media_id) == b"x"
