"""The rc_* limits of the configuration, spent from the table that the workers of this machine
share. C-S API, "Rate limiting".

What web/ knows before the operation runs (the user, the client's address) it spends itself; a use
case spends here what only it knows: the account that somebody tries to log in to, the user who is
invited, whether the room would let somebody in at all.

COMPAT(Synapse's ratelimit_override): an administrator may give a user an allowance of messages of
their own. One of nothing a second means that no limit holds them.
"""

from contextlib import suppress

from impl import errors
from impl.app import App
from impl.core import rate_limit
from impl.core.rate_limit import Allowance, Limit
from impl.requester import Requester
from impl.storage import rate_limits

MESSAGES = "rc_message"

# Which limit, whose, and how many at once.
Spending = tuple[str, str, int]


def spend(app: App, name: str, key: str, requester: Requester | None = None) -> None:
    """One action from the allowance that `key` has under the limit `name` ("rc_login_account"), or
    `LimitExceeded`. `requester`: who acts, in case no limit holds them."""
    _take(app, (name, key, 1), requester)


def check(app: App, name: str, key: str, requester: Requester | None = None) -> None:
    """`LimitExceeded` if the allowance is used up; spends nothing."""
    _check(app, (name, key, 1), requester)


def spend_all(app: App, spendings: list[Spending], requester: Requester | None = None) -> None:
    """All of these, or none and `LimitExceeded`."""
    if len(spendings) > 1:
        for spending in spendings:
            _check(app, spending, requester)
    for spending in spendings:
        _take(app, spending, requester)


def note(app: App, name: str, key: str, requester: Requester | None = None) -> None:
    """Spend for what was let through, though it be too much."""
    with suppress(errors.LimitExceeded):
        spend(app, name, key, requester)


def get_own(app: App, user_id: str) -> Allowance | None:
    """The allowance of messages that a user has instead of the configured one."""
    with app.database.read() as txn:
        return rate_limits.get(txn, user_id)


def put_own(app: App, user_id: str, allowance: Allowance | None) -> None:
    """Give a user an allowance, or take it away: in all workers before it is answered, as it is
    kept with their tokens."""
    with app.database.transaction() as txn:
        rate_limits.put(txn, user_id, allowance)
    app.page.revoke()


def _take(app: App, spending: Spending, requester: Requester | None) -> None:
    limit = _limit(app, spending, requester)
    if limit is not None:
        name, key, actions = spending
        now_ms = app.now_ms()
        _refuse(rate_limit.spend(app.page.rate_slots, limit, f"{name} {key}", now_ms, actions))


def _check(app: App, spending: Spending, requester: Requester | None) -> None:
    limit = _limit(app, spending, requester)
    if limit is not None:
        name, key, actions = spending
        now_ms = app.now_ms()
        _refuse(rate_limit.wait_ms(app.page.rate_slots, limit, f"{name} {key}", now_ms, actions))


def _refuse(wait_ms: int) -> None:
    if wait_ms:
        raise errors.LimitExceeded("too many requests", retry_after_ms=wait_ms)


def _limit(app: App, spending: Spending, requester: Requester | None) -> Limit | None:
    """What holds for somebody; None: nothing does. Raises Unknown for more than ever are allowed at
    once: to wait would not help."""
    name, _, actions = spending
    limit = _limit_of(app, name, requester)
    if limit is not None and actions > max(1, limit.burst_count):
        raise errors.Unknown("these are more than are allowed at once")
    return limit


def _limit_of(app: App, name: str, requester: Requester | None) -> Limit | None:
    configured: Limit = getattr(app.config.rate_limits, name)
    if requester is None:
        return configured
    own = requester.allowance
    if own is not None and own.per_second <= 0:
        return None
    services = app.part(_Services, _Services)
    if requester.appservice_id in services.unlimited:
        return None
    if name == MESSAGES:
        # An application service's own user sends without a limit, in Synapse too.
        return None if requester.user_id in services.senders else own or configured
    return configured


class _Services:
    """Of the application services: the ids of those that no limit holds, and their own users."""

    def __init__(self, app: App) -> None:
        services = app.config.application_services
        self.unlimited = frozenset(one.id for one in services if not one.rate_limited)
        self.senders = frozenset(f"@{one.sender_localpart}:{app.server_name}" for one in services)
