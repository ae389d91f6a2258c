"""Read and change push rules. C-S API, "Push Rules".

The rules themselves are core.push_rules; here they are kept. Each change is told to the user's
clients as the m.push_rules account data, which holds all rules."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from impl import errors
from impl.app import App
from impl.core import push_rules as rules
from impl.core.push_rules import Changes, NoSuchRule, Rule, Ruleset
from impl.core.rejection import Malformed
from impl.requester import Requester
from impl.storage import account_data, push_rules

ACCOUNT_DATA_TYPE = "m.push_rules"
# Of all that a user has changed: every change writes it anew, and every first sync sends it.
CHANGES_BYTES_MAX = 2 << 20

Change = Callable[[Changes], dict[str, Any]]


def get_ruleset(app: App, user_id: str) -> Ruleset:
    """All rules of a user, the most important first."""
    with app.database.read() as txn:
        changes = push_rules.get(txn, user_id)
    return rules.ruleset(user_id, changes)


def get_rule(app: App, requester: Requester, kind: str, rule_id: str) -> Rule:
    """Raises NotFound."""
    try:
        return rules.find_rule(get_ruleset(app, requester.user_id), kind, rule_id)
    except NoSuchRule:
        raise errors.NotFound("you have no such push rule") from None


def put_rule(
    app: App,
    requester: Requester,
    kind: str,
    rule_id: str,
    body: Mapping[str, Any],
    before: str | None = None,
    after: str | None = None,
) -> None:
    """Add a rule of the user's own, or change it."""
    _change(app, requester, lambda old: rules.put_rule(old, kind, rule_id, body, before, after))


def delete_rule(app: App, requester: Requester, kind: str, rule_id: str) -> None:
    _change(app, requester, lambda old: rules.delete_rule(old, kind, rule_id))


def set_enabled(app: App, requester: Requester, kind: str, rule_id: str, enabled: bool) -> None:
    _change(app, requester, lambda old: rules.set_enabled(old, kind, rule_id, enabled))


def set_actions(
    app: App, requester: Requester, kind: str, rule_id: str, actions: list[Any]
) -> None:
    _change(app, requester, lambda old: rules.set_actions(old, kind, rule_id, actions))


def put_account_data(txn: Any, user_id: str, changes: Changes) -> None:
    """Tell the user's clients what the rules are now."""
    content = {"global": rules.ruleset(user_id, changes)}
    account_data.put(txn, user_id, "", ACCOUNT_DATA_TYPE, content)


def _change(app: App, requester: Requester, change: Change) -> None:
    user_id = requester.user_id
    with app.database.transaction() as txn:
        account_data.lock(txn, user_id)
        old = push_rules.get(txn, user_id)
        try:
            new = change(old)
        except NoSuchRule:
            raise errors.NotFound("you have no such push rule") from None
        except Malformed as error:
            raise errors.Unknown(str(error)) from error
        if len(json.dumps(new)) > CHANGES_BYTES_MAX:
            raise errors.TooLarge(f"your push rules would have more than {CHANGES_BYTES_MAX} bytes")
        if new != old:
            push_rules.put(txn, user_id, new)
            put_account_data(txn, user_id, new)
            push_rules.put_version(txn, user_id, dict(old), new, app.now_ms())
