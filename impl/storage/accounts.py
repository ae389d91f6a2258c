"""Accounts, access tokens and refresh tokens. Tables: users, access_tokens, refresh_tokens,
registration_tokens, registration_nonces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from impl.core.rate_limit import Allowance


@dataclass(frozen=True, slots=True)
class Account:
    user_id: str
    password_hash: str | None
    is_admin: bool
    is_guest: bool
    is_deactivated: bool
    appservice_id: str | None
    is_locked: bool = False
    is_suspended: bool = False


@dataclass(frozen=True, slots=True)
class TokenOwner:
    user_id: str
    device_id: str
    is_guest: bool
    is_admin: bool
    appservice_id: str | None
    expires_ts: int | None
    is_locked: bool
    is_suspended: bool
    allowance: Allowance | None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    user_id: str
    device_id: str
    expires_ts: int | None
    successor_hash: bytes | None
    session_ends_ts: int | None
    is_locked: bool


def get(txn: Any, user_id: str) -> Account | None:
    txn.execute(
        """
        SELECT user_id, password_hash, is_admin, is_guest, is_deactivated, appservice_id,
               is_locked, is_suspended
          FROM users
         WHERE user_id = %s
        """,
        (user_id,),
    )
    row = txn.fetchone()
    return Account(*row) if row else None


def insert(txn: Any, account: Account, created_ts: int) -> bool:
    """False if the user id is taken; ids that differ in nothing else are taken for ever."""
    txn.execute(
        """
        INSERT INTO users (user_id, password_hash, created_ts, is_admin, is_guest, appservice_id)
             VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (user_id) DO NOTHING
        """,
        (
            account.user_id,
            account.password_hash,
            created_ts,
            account.is_admin,
            account.is_guest,
            account.appservice_id,
        ),
    )
    return txn.rowcount == 1


def put_password_hash(txn: Any, user_id: str, password_hash: str | None) -> None:
    txn.execute(
        """
        UPDATE users
           SET password_hash = %s
         WHERE user_id = %s
        """,
        (password_hash, user_id),
    )


def put_locked(txn: Any, user_id: str, is_locked: bool) -> None:
    txn.execute(
        """
        UPDATE users
           SET is_locked = %s
         WHERE user_id = %s
        """,
        (is_locked, user_id),
    )


def put_suspended(txn: Any, user_id: str, is_suspended: bool) -> None:
    txn.execute(
        """
        UPDATE users
           SET is_suspended = %s
         WHERE user_id = %s
        """,
        (is_suspended, user_id),
    )


def lock(txn: Any, user_id: str) -> str | None:
    """The hash of the password, which nobody changes before this transaction ends."""
    txn.execute(
        """
        SELECT password_hash
          FROM users
         WHERE user_id = %s
           FOR SHARE
        """,
        (user_id,),
    )
    row = txn.fetchone()
    return row[0] if row else None


def replace_password_hash(txn: Any, user_id: str, old: str, new: str) -> bool:
    """Another hash of the same password; False if it is not the same any more."""
    txn.execute(
        """
        UPDATE users
           SET password_hash = %s
         WHERE user_id = %s
           AND password_hash = %s
        """,
        (new, user_id, old),
    )
    return txn.rowcount == 1


def deactivate(txn: Any, user_id: str) -> None:
    txn.execute(
        """
        UPDATE users
           SET is_deactivated = TRUE,
               password_hash = NULL
         WHERE user_id = %s
        """,
        (user_id,),
    )


def list_deactivated_in_rooms(txn: Any, memberships: Sequence[str]) -> list[str]:
    """The deactivated users who have one of these memberships in a room."""
    txn.execute(
        """
        SELECT user_id
          FROM users
         WHERE is_deactivated
           AND EXISTS (SELECT 1
                         FROM room_members m
                        WHERE m.user_id = users.user_id
                          AND m.membership = ANY(%s))
        """,
        (list(memberships),),
    )
    return [row[0] for row in txn.fetchall()]


def get_token_owner(txn: Any, token_hash: bytes) -> TokenOwner | None:
    """Who an access token stands for; None if it is unknown or its user is deactivated.

    That it is used proves that the answer with it has arrived: what was refreshed for it goes.
    """
    txn.execute(
        """
        WITH spent AS (
            DELETE FROM refresh_tokens
                  WHERE successor_hash = (SELECT refresh_token_hash
                                            FROM access_tokens
                                           WHERE token_hash = %s)
        )
        SELECT t.user_id, t.device_id, u.is_guest, u.is_admin, u.appservice_id, t.expires_ts,
               u.is_locked, u.is_suspended, r.messages_per_second, r.burst_count
          FROM access_tokens t
          JOIN users u USING (user_id)
          LEFT JOIN rate_limit_overrides r USING (user_id)
         WHERE t.token_hash = %s
           AND NOT u.is_deactivated
        """,
        (token_hash, token_hash),
    )
    row = txn.fetchone()
    if row is None:
        return None
    *owner, per_second, burst_count = row
    allowance = None if per_second is None else Allowance(per_second, burst_count)
    return TokenOwner(*owner, allowance)


def insert_access_token(
    txn: Any,
    token_hash: bytes,
    user_id: str,
    device_id: str,
    created_ts: int,
    expires_ts: int | None,
    refresh_token_hash: bytes | None = None,
) -> None:
    txn.execute(
        """
        INSERT INTO access_tokens
                    (token_hash, user_id, device_id, created_ts, expires_ts, refresh_token_hash)
             VALUES (%s, %s, %s, %s, %s, %s)
        """,
        (token_hash, user_id, device_id, created_ts, expires_ts, refresh_token_hash),
    )


def delete_access_tokens(txn: Any, user_id: str, device_id: str) -> None:
    txn.execute(
        """
        DELETE FROM access_tokens
         WHERE user_id = %s
           AND device_id = %s
        """,
        (user_id, device_id),
    )


def delete_tokens(txn: Any, user_id: str, device_id: str) -> None:
    """All tokens of a device, of both kinds."""
    delete_access_tokens(txn, user_id, device_id)
    txn.execute(
        """
        DELETE FROM refresh_tokens
         WHERE user_id = %s
           AND device_id = %s
        """,
        (user_id, device_id),
    )


def insert_refresh_token(
    txn: Any,
    token_hash: bytes,
    user_id: str,
    device_id: str,
    created_ts: int,
    expires_ts: int | None,
    session_ends_ts: int | None,
) -> None:
    txn.execute(
        """
        INSERT INTO refresh_tokens
                    (token_hash, user_id, device_id, created_ts, expires_ts, session_ends_ts)
             VALUES (%s, %s, %s, %s, %s, %s)
        """,
        (token_hash, user_id, device_id, created_ts, expires_ts, session_ends_ts),
    )


def lock_refresh_token(txn: Any, token_hash: bytes) -> RefreshToken | None:
    """None for a token that is unknown or of a deactivated user."""
    txn.execute(
        """
        SELECT t.user_id, t.device_id, t.expires_ts, t.successor_hash, t.session_ends_ts,
               u.is_locked
          FROM refresh_tokens t
          JOIN users u USING (user_id)
         WHERE t.token_hash = %s
           AND NOT u.is_deactivated
           FOR UPDATE OF t
        """,
        (token_hash,),
    )
    row = txn.fetchone()
    if row is None:
        return None
    successor_hash = bytes(row[3]) if row[3] is not None else None
    return RefreshToken(row[0], row[1], row[2], successor_hash, row[4], row[5])


def put_successor(txn: Any, token_hash: bytes, successor_hash: bytes) -> None:
    """A refresh token was used. Its predecessor was kept for the case that this one got lost: it
    did not.
    """
    txn.execute(
        """
        DELETE FROM refresh_tokens
         WHERE successor_hash = %s
        """,
        (token_hash,),
    )
    txn.execute(
        """
        UPDATE refresh_tokens
           SET successor_hash = %s
         WHERE token_hash = %s
        """,
        (successor_hash, token_hash),
    )


def delete_refresh_token(txn: Any, token_hash: bytes) -> None:
    txn.execute(
        """
        DELETE FROM refresh_tokens
         WHERE token_hash = %s
        """,
        (token_hash,),
    )


def is_registration_token_valid(txn: Any, token: str, now_ms: int) -> bool:
    txn.execute(
        """
        SELECT 1
          FROM registration_tokens
         WHERE token = %s
           AND (expires_ts IS NULL OR expires_ts > %s)
           AND (uses_allowed IS NULL OR pending + completed < uses_allowed)
        """,
        (token, now_ms),
    )
    return txn.fetchone() is not None


def reserve_registration_token(txn: Any, token: str, now_ms: int) -> bool:
    """Keep one use for a registration under way; False if the token is not good for another."""
    txn.execute(
        """
        UPDATE registration_tokens
           SET pending = pending + 1
         WHERE token = %s
           AND (expires_ts IS NULL OR expires_ts > %s)
           AND (uses_allowed IS NULL OR pending + completed < uses_allowed)
        """,
        (token, now_ms),
    )
    return txn.rowcount == 1


def release_registration_token(txn: Any, token: str, *, is_used: bool) -> None:
    """A registration that had kept a use has taken it, or was given up."""
    txn.execute(
        """
        UPDATE registration_tokens
           SET pending = pending - 1,
               completed = completed + %s
         WHERE token = %s
        """,
        (int(is_used), token),
    )


def insert_registration_token(
    txn: Any, token: str, uses_allowed: int | None, expires_ts: int | None
) -> None:
    txn.execute(
        """
        INSERT INTO registration_tokens (token, uses_allowed, expires_ts)
             VALUES (%s, %s, %s)
        """,
        (token, uses_allowed, expires_ts),
    )


def insert_nonce(txn: Any, nonce: str, now_ms: int, lifetime_ms: int) -> None:
    """Give out a nonce, and forget those that nobody used in time."""
    txn.execute(
        """
        DELETE FROM registration_nonces
         WHERE created_ts < %s
        """,
        (now_ms - lifetime_ms,),
    )
    txn.execute(
        """
        INSERT INTO registration_nonces (nonce, created_ts)
             VALUES (%s, %s)
        """,
        (nonce, now_ms),
    )


def take_nonce(txn: Any, nonce: str, not_before_ts: int) -> bool:
    """Use a nonce up; False if it was not given out, was used, or is too old."""
    txn.execute(
        """
        DELETE FROM registration_nonces
         WHERE nonce = %s
           AND created_ts >= %s
        """,
        (nonce, not_before_ts),
    )
    return txn.rowcount == 1
