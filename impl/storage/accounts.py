"""Accounts, access tokens and refresh tokens. Tables: users, access_tokens, refresh_tokens, registration_tokens,
registration_nonces."""

from dataclasses import dataclass
from typing import Any

from impl.requester import Requester


@dataclass(frozen=True, slots=True)
class Account:
    user_id: str
    password_hash: str | None
    is_admin: bool
    is_guest: bool
    is_deactivated: bool
    appservice_id: str | None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    user_id: str
    device_id: str
    expires_ts: int | None
    successor_hash: bytes | None


def get(txn: Any, user_id: str) -> Account | None:
    txn.execute(
        """
        SELECT user_id, password_hash, is_admin, is_guest, is_deactivated, appservice_id
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


def get_requester_by_token_hash(txn: Any, token_hash: bytes) -> Requester | None:
    """Who an access token stands for; None for a token that is unknown or of a deactivated user."""
    txn.execute(
        """
        SELECT t.user_id, t.device_id, u.is_guest, u.is_admin, u.appservice_id, t.expires_ts
          FROM access_tokens t
          JOIN users u USING (user_id)
         WHERE t.token_hash = %s
           AND NOT u.is_deactivated
        """,
        (token_hash,),
    )
    row = txn.fetchone()
    if row is None:
        return None
    user_id, device_id, is_guest, is_admin, appservice_id, expires_ts = row
    return Requester(user_id, device_id, token_hash, is_guest, is_admin, appservice_id, expires_ts)


def insert_access_token(
    txn: Any,
    token_hash: bytes,
    user_id: str,
    device_id: str,
    created_ts: int,
    expires_ts: int | None,
) -> None:
    txn.execute(
        """
        INSERT INTO access_tokens (token_hash, user_id, device_id, created_ts, expires_ts)
             VALUES (%s, %s, %s, %s, %s)
        """,
        (token_hash, user_id, device_id, created_ts, expires_ts),
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
) -> None:
    txn.execute(
        """
        INSERT INTO refresh_tokens (token_hash, user_id, device_id, created_ts, expires_ts)
             VALUES (%s, %s, %s, %s, %s)
        """,
        (token_hash, user_id, device_id, created_ts, expires_ts),
    )


def lock_refresh_token(txn: Any, token_hash: bytes) -> RefreshToken | None:
    txn.execute(
        """
        SELECT user_id, device_id, expires_ts, successor_hash
          FROM refresh_tokens
         WHERE token_hash = %s
           FOR UPDATE
        """,
        (token_hash,),
    )
    row = txn.fetchone()
    if row is None:
        return None
    successor_hash = bytes(row[3]) if row[3] is not None else None
    return RefreshToken(row[0], row[1], row[2], successor_hash)


def put_successor(txn: Any, token_hash: bytes, successor_hash: bytes) -> None:
    """A refresh token was used. Its predecessor was kept for the case that this one got lost: it did not."""
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


def use_registration_token(txn: Any, token: str, now_ms: int) -> bool:
    """Count one use; False if the token is not good for another."""
    txn.execute(
        """
        UPDATE registration_tokens
           SET completed = completed + 1
         WHERE token = %s
           AND (expires_ts IS NULL OR expires_ts > %s)
           AND (uses_allowed IS NULL OR pending + completed < uses_allowed)
        """,
        (token, now_ms),
    )
    return txn.rowcount == 1


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
