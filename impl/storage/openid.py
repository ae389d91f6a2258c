"""OpenID tokens. Table: openid_tokens."""

from typing import Any


def insert(txn: Any, token_hash: bytes, user_id: str, now_ms: int, expires_ts: int) -> None:
    """Keep a token, and forget those whose time is over."""
    txn.execute(
        """
        DELETE FROM openid_tokens
         WHERE expires_ts <= %s
        """,
        (now_ms,),
    )
    txn.execute(
        """
        INSERT INTO openid_tokens (token_hash, user_id, expires_ts)
             VALUES (%s, %s, %s)
        """,
        (token_hash, user_id, expires_ts),
    )


def get_user(txn: Any, token_hash: bytes, now_ms: int) -> str | None:
    """Whose token it is; None if it is unknown or over, or its user may not use the server."""
    txn.execute(
        """
        SELECT user_id
          FROM openid_tokens
          JOIN users u USING (user_id)
         WHERE token_hash = %s
           AND expires_ts > %s
           AND NOT u.is_deactivated
           AND NOT u.is_locked
        """,
        (token_hash, now_ms),
    )
    row = txn.fetchone()
    return row[0] if row else None
