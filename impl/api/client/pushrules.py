"""api-specs/client-server/pushrules.yaml"""

from typing import Any

import msgspec

from generated.client.pushrules import (
    SetPushRuleActionsBody,
    SetPushRuleBody,
    SetPushRuleEnabledBody,
    SetPushRuleQuery,
)
from impl.app import App
from impl.requester import Requester
from impl.services import push_rules


def get_push_rules(app: App, requester: Requester) -> dict[str, Any]:
    return {"global": push_rules.get_ruleset(app, requester.user_id)}


def get_push_rules_global(app: App, requester: Requester) -> dict[str, Any]:
    return push_rules.get_ruleset(app, requester.user_id)


def get_push_rule(app: App, requester: Requester, kind: str, rule_id: str) -> dict[str, Any]:
    return push_rules.get_rule(app, requester, kind, rule_id)


def set_push_rule(
    app: App,
    requester: Requester,
    kind: str,
    rule_id: str,
    query: SetPushRuleQuery,
    body: SetPushRuleBody,
) -> dict[str, Any]:
    rule = msgspec.structs.asdict(body)
    push_rules.put_rule(app, requester, kind, rule_id, rule, query.before, query.after)
    return {}


def delete_push_rule(app: App, requester: Requester, kind: str, rule_id: str) -> dict[str, Any]:
    push_rules.delete_rule(app, requester, kind, rule_id)
    return {}


def is_push_rule_enabled(app: App, requester: Requester, kind: str, rule_id: str) -> dict[str, Any]:
    return {"enabled": push_rules.get_rule(app, requester, kind, rule_id)["enabled"]}


def set_push_rule_enabled(
    app: App, requester: Requester, kind: str, rule_id: str, body: SetPushRuleEnabledBody
) -> dict[str, Any]:
    push_rules.set_enabled(app, requester, kind, rule_id, body.enabled)
    return {}


def get_push_rule_actions(
    app: App, requester: Requester, kind: str, rule_id: str
) -> dict[str, Any]:
    return {"actions": push_rules.get_rule(app, requester, kind, rule_id)["actions"]}


def set_push_rule_actions(
    app: App, requester: Requester, kind: str, rule_id: str, body: SetPushRuleActionsBody
) -> dict[str, Any]:
    push_rules.set_actions(app, requester, kind, rule_id, body.actions)
    return {}
