"""Who is asking, once the access token was checked. C-S API, "Client Authentication"."""

from dataclasses import dataclass

from impl.core.rate_limit import Allowance


@dataclass(frozen=True, slots=True)
class Requester:
    """The authenticated user of a request.

    `device_id` is None for an application service that masquerades without a device.
    `access_token_hash` is the SHA-256 of the token, empty for application services; it names the
    token in the database, where the token itself is not kept."""

    user_id: str
    device_id: str | None
    access_token_hash: bytes = b""
    is_guest: bool = False
    is_admin: bool = False
    # C-S API, "Account moderation".
    is_locked: bool = False
    is_suspended: bool = False
    appservice_id: str | None = None
    # Milliseconds since the epoch; None: never.
    token_expires_ts: int | None = None
    # Of messages, where an administrator has given them one of their own.
    allowance: Allowance | None = None
