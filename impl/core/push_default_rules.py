"""The push rules that everybody has. C-S API, "Predefined Rules"."""

from typing import Any

Rule = dict[str, Any]
# A list of rules for each kind, the most important first.
Ruleset = dict[str, list[Rule]]

# In the order in which they are asked.
KINDS = ("override", "content", "room", "sender", "underride")

# It stands above the user's own rules; the other default rules stand below these.
MASTER = ".m.rule.master"

_SOUND = {"set_tweak": "sound", "value": "default"}
_RING = {"set_tweak": "sound", "value": "ring"}
_HIGHLIGHT = {"set_tweak": "highlight"}


def default_rules(user_id: str) -> Ruleset:
    """The ruleset of a user who has changed nothing, as the API shows it."""
    override = [
        _rule(MASTER, [], [], enabled=False),
        _rule(".m.rule.suppress_notices", [_match("content.msgtype", "m.notice")], []),
        _rule(
            ".m.rule.invite_for_me",
            [
                _match("type", "m.room.member"),
                _match("content.membership", "invite"),
                _match("state_key", user_id),
            ],
            ["notify", _SOUND],
        ),
        _rule(".m.rule.member_event", [_match("type", "m.room.member")], []),
        _rule(
            ".m.rule.is_user_mention",
            [_property("contains", r"content.m\.mentions.user_ids", user_id)],
            ["notify", _SOUND, _HIGHLIGHT],
        ),
        _rule(
            ".m.rule.is_room_mention",
            [
                _property("is", r"content.m\.mentions.room", True),
                {"kind": "sender_notification_permission", "key": "room"},
            ],
            ["notify", _HIGHLIGHT],
        ),
        _rule(
            ".m.rule.tombstone",
            [_match("type", "m.room.tombstone"), _match("state_key", "")],
            ["notify", _HIGHLIGHT],
        ),
        _rule(".m.rule.reaction", [_match("type", "m.reaction")], []),
        _rule(
            ".m.rule.room.server_acl",
            [_match("type", "m.room.server_acl"), _match("state_key", "")],
            [],
        ),
        _rule(
            ".m.rule.suppress_edits",
            [_property("is", r"content.m\.relates_to.rel_type", "m.replace")],
            [],
        ),
    ]
    return {
        "override": override,
        "content": [],
        "room": [],
        "sender": [],
        "underride": _underride(),
    }


def _underride() -> list[Rule]:
    message, encrypted = _match("type", "m.room.message"), _match("type", "m.room.encrypted")
    two = {"kind": "room_member_count", "is": "2"}
    return [
        _rule(".m.rule.call", [_match("type", "m.call.invite")], ["notify", _RING]),
        _rule(".m.rule.encrypted_room_one_to_one", [two, encrypted], ["notify", _SOUND]),
        _rule(".m.rule.room_one_to_one", [two, message], ["notify", _SOUND]),
        _rule(".m.rule.message", [message], ["notify"]),
        _rule(".m.rule.encrypted", [encrypted], ["notify"]),
    ]


def _rule(
    rule_id: str, conditions: list[dict[str, Any]], actions: list[Any], *, enabled: bool = True
) -> Rule:
    return {
        "rule_id": rule_id,
        "default": True,
        "enabled": enabled,
        "conditions": conditions,
        "actions": actions,
    }


def _match(key: str, pattern: str) -> dict[str, Any]:
    return {"kind": "event_match", "key": key, "pattern": pattern}


def _property(how: str, key: str, value: object) -> dict[str, Any]:
    return {"kind": f"event_property_{how}", "key": key, "value": value}
