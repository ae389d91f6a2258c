"""What is done with files in their time: promises that nobody kept end, what nobody asks for is
deleted where `media_retention` says so, and what a killed process left is swept away. A batch at a
time: jobs/media.py goes on until there is no more.
"""

import gevent

from impl.app import App
from impl.services.media import keeping
from impl.storage import avatars, loose_files, media
from impl.storage.loose_files import LooseFile

# Whoever noted a file an hour ago has put it in place, or never will. The same of a file on its way
# in to which nothing was added for as long.
ABANDONED_MS = 3_600_000

_FIRST = LooseFile("", "")


def end_promises(app: App, limit: int) -> bool:
    """Names of files that may not be uploaded any more. False: there are no more."""
    with app.database.transaction() as txn:
        return media.delete_unused_promises(txn, app.now_ms(), limit) == limit


def delete_unasked_of_others(app: App, limit: int) -> bool:
    """What other servers have still."""
    return _delete_unasked(app, app.config.media.remote_media_lifetime, limit, is_own=False)


def delete_unasked_of_ours(app: App, limit: int) -> bool:
    """But for avatars, which are in use, whoever looks at them."""
    return _delete_unasked(app, app.config.media.local_media_lifetime, limit, is_own=True)


def sweep(app: App, limit: int) -> None:
    """The bytes that nothing is known of any more."""
    abandoned_s = ABANDONED_MS / 1000
    gevent.get_hub().threadpool.apply(app.media_files.sweep_incoming, (abandoned_s,))
    with app.database.transaction() as txn:
        loose_files.doom_old(txn, app.now_ms() - ABANDONED_MS)
    last = _FIRST
    while not app.is_stopping:
        with app.database.read() as txn:
            files = loose_files.list_doomed(txn, last, limit)
        if not files:
            return
        keeping.delete_doomed(app, files)
        last = files[-1]


def _delete_unasked(app: App, lifetime: int | None, limit: int, *, is_own: bool) -> bool:
    if lifetime is None:
        return False
    now_ms = app.now_ms()
    with app.database.transaction() as txn:
        found = media.lock_unasked(txn, app.server_name, now_ms - lifetime, limit, is_own=is_own)
        uris = {f"mxc://{file.origin}/{file.media_id}": file for file in found}
        used = avatars.list_used(txn, list(uris)) if is_own and uris else set()
        media.put_accessed(txn, [(uris[uri].origin, uris[uri].media_id, now_ms) for uri in used])
        unused = [file for uri, file in uris.items() if uri not in used]
        doomed = keeping.forget(txn, unused, now_ms)
    keeping.delete_doomed(app, doomed)
    return len(found) == limit
