"""Cross-signing keys, and what users sign of each other's. Tables: cross_signing_keys,
user_signatures.

The rows of user_signatures have positions, so they are only touched with the COMMIT."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StoredKey:
    user_id: str
    usage: str
    public_key: str
    key_json: str


@dataclass(frozen=True, slots=True)
class UserSignature:
    """By the user-signing key of `user_id`, of the master key of another."""

    user_id: str
    user_signing_key: str
    target_user_id: str
    target_key: str
    signature: str


def lock_user(txn: Any, user_id: str) -> None:
    """Nobody else changes the user's keys, or adds a device, before this transaction ends: no
    device and key can come to have the same name.
    """
    txn.execute(
        """
        SELECT 1
          FROM users
         WHERE user_id = %s
           FOR UPDATE
        """,
        (user_id,),
    )


def list_of_user(txn: Any, user_id: str) -> dict[str, StoredKey]:
    """usage -> key."""
    txn.execute(
        """
        SELECT user_id, usage, public_key, key_json
          FROM cross_signing_keys
         WHERE user_id = %s
        """,
        (user_id,),
    )
    return {row[1]: StoredKey(*row) for row in txn.fetchall()}


def list_of_users(txn: Any, user_ids: Sequence[str]) -> dict[str, dict[str, StoredKey]]:
    """user_id -> usage -> key, of those who have any."""
    txn.execute(
        """
        SELECT user_id, usage, public_key, key_json
          FROM cross_signing_keys
         WHERE user_id = ANY(%s)
        """,
        (list(user_ids),),
    )
    found: dict[str, dict[str, StoredKey]] = {}
    for row in txn.fetchall():
        found.setdefault(row[0], {})[row[1]] = StoredKey(*row)
    return found


def lock_master(txn: Any, user_id: str) -> StoredKey | None:
    """The user's master key, which nobody changes before this transaction ends."""
    txn.execute(
        """
        SELECT user_id, usage, public_key, key_json
          FROM cross_signing_keys
         WHERE user_id = %s
           AND usage = 'master'
           FOR NO KEY UPDATE
        """,
        (user_id,),
    )
    row = txn.fetchone()
    return StoredKey(*row) if row else None


def list_master_keys(txn: Any, user_ids: Sequence[str]) -> dict[str, StoredKey]:
    """user_id -> master key, of those who have one."""
    txn.execute(
        """
        SELECT user_id, usage, public_key, key_json
          FROM cross_signing_keys
         WHERE user_id = ANY(%s)
           AND usage = 'master'
        """,
        (list(user_ids),),
    )
    return {row[0]: StoredKey(*row) for row in txn.fetchall()}


def exists(txn: Any, user_id: str, public_key: str) -> bool:
    """Whether one of the user's keys is this."""
    txn.execute(
        """
        SELECT 1
          FROM cross_signing_keys
         WHERE user_id = %s
           AND public_key = %s
        """,
        (user_id, public_key),
    )
    return txn.fetchone() is not None


def put(txn: Any, keys: Sequence[StoredKey]) -> None:
    txn.values_with_commit(
        """
        INSERT INTO cross_signing_keys (user_id, usage, public_key, key_json)
             VALUES %s
        ON CONFLICT (user_id, usage) DO UPDATE
                SET public_key = EXCLUDED.public_key,
                    key_json = EXCLUDED.key_json
        """,
        [(one.user_id, one.usage, one.public_key, one.key_json) for one in keys],
    )


def delete(txn: Any, user_id: str, usages: Sequence[str]) -> None:
    txn.with_commit(
        """
        DELETE FROM cross_signing_keys
         WHERE user_id = %s
           AND usage = ANY(%s)
        """,
        (user_id, list(usages)),
    )


def delete_all(txn: Any, user_id: str) -> None:
    """The user's keys; signatures by and of them are without effect then."""
    delete(txn, user_id, ["master", "self_signing", "user_signing"])


def put_user_signature(txn: Any, signature: UserSignature) -> None:
    """In place of an older one; whoever signed is told of the other user."""
    txn.allot(
        """
        INSERT INTO user_signatures (user_id, user_signing_key, target_user_id, target_key,
                                     signature, position)
             VALUES (%s, %s, %s, %s, %s, nextval('stream_positions'))
        ON CONFLICT (user_id, target_user_id) DO UPDATE
                SET user_signing_key = EXCLUDED.user_signing_key,
                    target_key = EXCLUDED.target_key,
                    signature = EXCLUDED.signature,
                    position = EXCLUDED.position
        """,
        (
            signature.user_id,
            signature.user_signing_key,
            signature.target_user_id,
            signature.target_key,
            signature.signature,
        ),
    )


def list_user_signatures(
    txn: Any, user_id: str, user_signing_key: str, target_user_ids: Sequence[str]
) -> list[UserSignature]:
    """What a user has signed with a key of some other users' master keys, of now or before."""
    txn.execute(
        """
        SELECT user_id, user_signing_key, target_user_id, target_key, signature
          FROM user_signatures
         WHERE user_id = %s
           AND user_signing_key = %s
           AND target_user_id = ANY(%s)
        """,
        (user_id, user_signing_key, list(target_user_ids)),
    )
    return [UserSignature(*row) for row in txn.fetchall()]


def list_signed(txn: Any, user_id: str, after: int, up_to: int) -> list[str]:
    """The users whose keys a user has signed in a window of the stream."""
    txn.execute(
        """
        SELECT target_user_id
          FROM user_signatures
         WHERE user_id = %s
           AND position > %s
           AND position <= %s
        """,
        (user_id, after, up_to),
    )
    return [row[0] for row in txn.fetchall()]
