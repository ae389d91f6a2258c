"""The keys that this server signs with and has signed with, as it publishes them. S-S API,
"Publishing Keys"."""

from typing import Any

from impl.app import App
from impl.core import canonical_json, server_keys
from impl.core.server_keys import ServerKey


class OwnKeys:
    """By key id; of those that are current nobody says when they end."""

    def __init__(self, app: App) -> None:
        self._app = app
        current = {
            key.key_id: ServerKey(key.verify_key, canonical_json.INTEGER_MAX)
            for key in app.signing_keys
        }
        self.old = {
            key.key_id: ServerKey(key.verify_key, key.expired_ts, is_old=True)
            for key in app.config.old_signing_keys
            if key.key_id not in current
        }
        self.all = self.old | current
        self._document: dict[str, Any] = {}
        self._valid_until_ts = 0

    def document(self) -> dict[str, Any]:
        """For others: valid for half of `key_refresh_interval` at least, so that whoever got it
        need not come again at once.
        """
        now_ms = self._app.now_ms()
        interval_ms = self._app.config.key_refresh_interval
        if self._valid_until_ts - now_ms < interval_ms / 2:
            self._valid_until_ts = now_ms + interval_ms
            self._document = server_keys.write(
                self._app.server_name, self._app.signing_keys, self.old, self._valid_until_ts
            )
        return self._document


def document(app: App) -> dict[str, Any]:
    """What we publish about ourselves, signed."""
    return app.part(OwnKeys, OwnKeys).document()


def get(app: App, key_id: str) -> ServerKey | None:
    """A key of ours, current or old."""
    return app.part(OwnKeys, OwnKeys).all.get(key_id)
