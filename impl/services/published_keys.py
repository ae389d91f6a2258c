"""The keys that users publish, as this worker tells of them. C-S API, "Key Distribution",
"Cross-signing".

Theory. Whoever comes into a room asks for the keys of all who are there, and all of them ask for
theirs; but keys seldom change. So they are kept here as the text that goes out, until the news say
that they have changed: every change of keys, and of a device's name beside them, has a row in
device_list_changes.

What is kept is the same for whoever asks. Two things are not: a user-signing key is for its owner,
and so are the signatures that it makes of others' master keys. A master key is kept in two halves,
between which those are put."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from impl.app import App
from impl.core import signed_keys
from impl.storage import key_queries
from impl.storage.key_queries import Row
from impl.storage.streams import NewsRow

# Some ten thousand users with two devices each.
KEPT_BYTES_MAX = 32 << 20
# What objects take beside their text.
_BYTES_OF_USER, _BYTES_OF_KEY = 600, 200

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict).decode


@dataclass(frozen=True, slots=True)
class MasterKey:
    """In two halves: `signed_part` lacks its last brace, `signatures` both of its own."""

    public_key: str
    signed_part: bytes
    signatures: bytes

    @classmethod
    def read(cls, public_key: str, key_json: str) -> "MasterKey":
        value = _decode(key_json)
        signatures = value.pop("signatures", {})
        return cls(public_key, _encode(value)[:-1], _encode(signatures)[1:-1])

    def as_text(self) -> str:
        return bytes(self.as_json("", {})).decode()

    def as_json(self, user_id: str, more: Mapping[str, str]) -> msgspec.Raw:
        """With signatures by another user, whom `signatures` does not name."""
        signatures = [self.signatures] if self.signatures else []
        if more:
            signatures.append(_encode({user_id: more})[1:-1])
        if not signatures:
            return msgspec.Raw(self.signed_part + b"}")
        return msgspec.Raw(b'%b,"signatures":{%b}}' % (self.signed_part, b",".join(signatures)))


@dataclass(frozen=True, slots=True)
class UserSigningKey:
    public_key: str
    as_json: msgspec.Raw


@dataclass(slots=True)
class Published:
    """What a user has published; not changed once it is made."""

    devices: dict[str, msgspec.Raw] = field(default_factory=dict)
    master: MasterKey | None = None
    self_signing: msgspec.Raw | None = None
    # For its owner only.
    user_signing: UserSigningKey | None = None
    # Of a user of another server: the list that it was read from.
    list_nid: int = 0
    size: int = _BYTES_OF_USER

    def add(self, row: Row) -> None:
        self.size += _BYTES_OF_KEY + len(row.key_json)
        if row.kind == key_queries.DEVICE:
            self.devices[row.name] = _with_unsigned(row.key_json, row.display_name)
        elif row.kind == key_queries.LIST:
            self.list_nid = int(row.name)
        elif row.kind == signed_keys.MASTER:
            self.master = MasterKey.read(row.name, row.key_json)
        elif row.kind == signed_keys.SELF_SIGNING:
            self.self_signing = msgspec.Raw(row.key_json.encode())
        else:
            self.user_signing = UserSigningKey(row.name, msgspec.Raw(row.key_json.encode()))


def _with_unsigned(key_json: str, display_name: str | None) -> msgspec.Raw:
    unsigned = {} if display_name is None else {"device_display_name": display_name}
    return msgspec.Raw(b'%b,"unsigned":%b}' % (key_json[:-1].encode(), _encode(unsigned)))


class PublishedKeys:
    """One per App."""

    def __init__(self, app: App) -> None:
        self._app = app
        # The oldest first.
        self._users: dict[str, Published] = {}
        self._size = 0
        self._moves = 0
        app.news.listeners.append(self._hear)

    def get_many(
        self, user_ids: Collection[str], list_nids: Mapping[str, int] | None = None
    ) -> dict[str, Published]:
        """All of them, whether they have published something or not; of users of other servers,
        from the lists that they have now.
        """
        kept = self._users
        if list_nids:
            for user_id, list_nid in list_nids.items():
                if user_id in kept and kept[user_id].list_nid != list_nid:
                    self._forget(user_id)
        found = {user_id: kept[user_id] for user_id in user_ids if user_id in kept}
        missing = [user_id for user_id in user_ids if user_id not in found]
        if missing:
            found |= self._read(missing)
        return found

    def _read(self, user_ids: Sequence[str]) -> dict[str, Published]:
        moves = self._moves
        with self._app.database.read() as txn:
            rows = key_queries.find(txn, user_ids)
        found = {user_id: Published() for user_id in user_ids}
        for row in rows:
            found[row.user_id].add(row)
        # What was read while something moved may be old: good for this answer, not to keep.
        if moves == self._moves:
            for user_id, published in found.items():
                self._forget(user_id)
                self._users[user_id] = published
                self._size += published.size
            while self._size > KEPT_BYTES_MAX:
                self._forget(next(iter(self._users)))
        return found

    def _forget(self, user_id: str) -> None:
        published = self._users.pop(user_id, None)
        if published is not None:
            self._size -= published.size

    def _hear(self, rows: Sequence[NewsRow] | None) -> None:
        if rows is None:
            self._moves += 1
            self._users.clear()
            self._size = 0
            return
        for row in rows:
            if row.of_devices and row.about is not None:
                self._moves += 1
                self._forget(row.about)


def of(app: App) -> PublishedKeys:
    """This worker's."""
    return app.part(PublishedKeys, PublishedKeys)
