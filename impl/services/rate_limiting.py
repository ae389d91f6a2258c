"""The rc_* limits of the configuration, spent from the table that the workers of this machine
share.

What web/ knows before the operation runs (the user, the client's address) it spends itself; a use
case spends here what only it knows: the account that somebody tries to log in to, the user who is
invited.
"""

from impl import errors
from impl.app import App
from impl.core import rate_limit


def spend(app: App, name: str, key: str) -> None:
    """One action from the allowance that `key` has under the limit `name` ("rc_login_account"), or
    `LimitExceeded`."""
    limit = getattr(app.config.rate_limits, name)
    wait = rate_limit.spend(app.page.rate_slots, limit, f"{name} {key}", app.now_ms())
    if wait:
        raise errors.LimitExceeded("too many requests", retry_after_ms=wait)


def check(app: App, name: str, key: str) -> None:
    """`LimitExceeded` if the allowance is used up; spends nothing."""
    limit = getattr(app.config.rate_limits, name)
    wait = rate_limit.wait_ms(app.page.rate_slots, limit, f"{name} {key}", app.now_ms())
    if wait:
        raise errors.LimitExceeded("too many requests", retry_after_ms=wait)
