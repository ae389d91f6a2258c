"""api-specs/client-server/pushrules.yaml. Written by `python -m codegen compile`; do not edit."""

from __future__ import annotations

from msgspec import Struct
from typing import Any, NotRequired, Protocol, TypeAlias, TypedDict

from generated.unrecognized import Unrecognized


class SetPushRuleActionsBody(Struct, kw_only=True):
    actions: list[str | dict[str, Any]]


class SetPushRuleBody(Struct, kw_only=True):
    actions: list[str | dict[str, Any]]
    conditions: list[dict[str, Any]] | None = None
    pattern: str | None = None


class SetPushRuleEnabledBody(Struct, kw_only=True):
    enabled: bool


class SetPushRuleQuery(Struct, kw_only=True):
    before: str | None = None
    after: str | None = None


class GetPushRuleActionsResponse(TypedDict):
    actions: list[str | dict[str, Any]]


GetPushRulesResponse = TypedDict('GetPushRulesResponse', {
    'global': "PushRulesetDict",})


class IsPushRuleEnabledResponse(TypedDict):
    enabled: bool


class PushRuleDict(TypedDict):
    actions: list[str | dict[str, Any]]
    default: bool
    enabled: bool
    rule_id: str
    conditions: NotRequired[list[dict[str, Any]]]
    pattern: NotRequired[str]


GetPushRuleResponse: TypeAlias = PushRuleDict


class PushRulesetDict(TypedDict):
    content: NotRequired[list[PushRuleDict]]
    override: NotRequired[list[PushRuleDict]]
    room: NotRequired[list[PushRuleDict]]
    sender: NotRequired[list[PushRuleDict]]
    underride: NotRequired[list[PushRuleDict]]


GetPushRulesGlobalResponse: TypeAlias = PushRulesetDict


SetPushRuleResponse: TypeAlias = dict[str, Any]


DeletePushRuleResponse: TypeAlias = dict[str, Any]


SetPushRuleEnabledResponse: TypeAlias = dict[str, Any]


SetPushRuleActionsResponse: TypeAlias = dict[str, Any]


class Operations(Protocol):
    """What the module of this name in impl.api defines, as far as it is written."""

    def get_push_rules(
        self,
        app: Any,
        requester: Any,
    ) -> GetPushRulesResponse | dict[str, Any]: ...

    def get_push_rules_global(
        self,
        app: Any,
        requester: Any,
    ) -> GetPushRulesGlobalResponse | dict[str, Any]: ...

    def get_push_rule(
        self,
        app: Any,
        requester: Any,
        kind: str,
        rule_id: str,
    ) -> GetPushRuleResponse | dict[str, Any]: ...

    def set_push_rule(
        self,
        app: Any,
        requester: Any,
        kind: str,
        rule_id: str,
        query: SetPushRuleQuery,
        body: SetPushRuleBody,
    ) -> SetPushRuleResponse | dict[str, Any]: ...

    def delete_push_rule(
        self,
        app: Any,
        requester: Any,
        kind: str,
        rule_id: str,
    ) -> DeletePushRuleResponse | dict[str, Any]: ...

    def is_push_rule_enabled(
        self,
        app: Any,
        requester: Any,
        kind: str,
        rule_id: str,
    ) -> IsPushRuleEnabledResponse | dict[str, Any]: ...

    def set_push_rule_enabled(
        self,
        app: Any,
        requester: Any,
        kind: str,
        rule_id: str,
        body: SetPushRuleEnabledBody,
    ) -> SetPushRuleEnabledResponse | dict[str, Any]: ...

    def get_push_rule_actions(
        self,
        app: Any,
        requester: Any,
        kind: str,
        rule_id: str,
    ) -> GetPushRuleActionsResponse | dict[str, Any]: ...

    def set_push_rule_actions(
        self,
        app: Any,
        requester: Any,
        kind: str,
        rule_id: str,
        body: SetPushRuleActionsBody,
    ) -> SetPushRuleActionsResponse | dict[str, Any]: ...


def get_push_rules(
    app: Any,
    requester: Any,
) -> GetPushRulesResponse | dict[str, Any]:
    """GET /_matrix/client/v3/pushrules/"""
    raise Unrecognized("getPushRules")


def get_push_rules_global(
    app: Any,
    requester: Any,
) -> GetPushRulesGlobalResponse | dict[str, Any]:
    """GET /_matrix/client/v3/pushrules/global/"""
    raise Unrecognized("getPushRulesGlobal")


def get_push_rule(
    app: Any,
    requester: Any,
    kind: str,
    rule_id: str,
) -> GetPushRuleResponse | dict[str, Any]:
    """GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}"""
    raise Unrecognized("getPushRule")


def set_push_rule(
    app: Any,
    requester: Any,
    kind: str,
    rule_id: str,
    query: SetPushRuleQuery,
    body: SetPushRuleBody,
) -> SetPushRuleResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}"""
    raise Unrecognized("setPushRule")


def delete_push_rule(
    app: Any,
    requester: Any,
    kind: str,
    rule_id: str,
) -> DeletePushRuleResponse | dict[str, Any]:
    """DELETE /_matrix/client/v3/pushrules/global/{kind}/{ruleId}"""
    raise Unrecognized("deletePushRule")


def is_push_rule_enabled(
    app: Any,
    requester: Any,
    kind: str,
    rule_id: str,
) -> IsPushRuleEnabledResponse | dict[str, Any]:
    """GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled"""
    raise Unrecognized("isPushRuleEnabled")


def set_push_rule_enabled(
    app: Any,
    requester: Any,
    kind: str,
    rule_id: str,
    body: SetPushRuleEnabledBody,
) -> SetPushRuleEnabledResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled"""
    raise Unrecognized("setPushRuleEnabled")


def get_push_rule_actions(
    app: Any,
    requester: Any,
    kind: str,
    rule_id: str,
) -> GetPushRuleActionsResponse | dict[str, Any]:
    """GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions"""
    raise Unrecognized("getPushRuleActions")


def set_push_rule_actions(
    app: Any,
    requester: Any,
    kind: str,
    rule_id: str,
    body: SetPushRuleActionsBody,
) -> SetPushRuleActionsResponse | dict[str, Any]:
    """PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions"""
    raise Unrecognized("setPushRuleActions")
