"""Bob changes his push rules on one device, and the other is told."""

import nio

from tests.interop.with_nio.people import Person

CONTENT = nio.PushRuleKind.content
LOUD = [nio.PushNotify(), nio.PushSetTweak("highlight", True)]


def own(person: Person) -> list[tuple[str, str, bool]]:
    rules = person.rules.content
    return [(rule.id, rule.pattern, rule.enabled) for rule in rules if not rule.default]


async def talk(alice: Person, bob: Person) -> None:
    desk = await bob.again()
    try:
        await change(alice, bob, desk)
    finally:
        await desk.client.close()


async def change(alice: Person, bob: Person, desk: Person) -> None:
    assert any(rule.id == ".m.rule.master" for rule in desk.rules.override)

    async def put(rule_id: str, pattern: str, **where: str) -> None:
        rule = bob.client.set_pushrule(
            "global", CONTENT, rule_id, actions=LOUD, pattern=pattern, **where
        )
        await bob.does(rule)

    await put("drinks", "tea*")
    await put("sweets", "cake")
    await desk.sees(lambda: own(desk) == [("sweets", "cake", True), ("drinks", "tea*", True)])
    await put("sweets", "cake", after="drinks")
    await desk.sees(lambda: [rule[0] for rule in own(desk)] == ["drinks", "sweets"])
    await bob.does(bob.client.enable_pushrule("global", CONTENT, "drinks", enable=False))
    await desk.sees(lambda: own(desk)[0] == ("drinks", "tea*", False))
    quiet = desk.client.set_pushrule_actions("global", CONTENT, "sweets", [nio.PushNotify()])
    await desk.does(quiet)
    await bob.sees(lambda: own(bob) and bob.rules.content[1].actions == [nio.PushNotify()])
    await bob.does(bob.client.delete_pushrule("global", CONTENT, "drinks"))
    await desk.sees(lambda: [rule[0] for rule in own(desk)] == ["sweets"])
    again = bob.client.delete_pushrule("global", CONTENT, "drinks")
    await bob.is_refused(again, "M_NOT_FOUND")
    await judge(alice, desk)


async def judge(alice: Person, desk: Person) -> None:
    """matrix-nio's own reading of the rules."""
    room_id = await alice.makes(preset=nio.RoomPreset.public_chat)
    await desk.joins(room_id)
    for body, rule_id in (("there is cake", "sweets"), ("there is tea", ".m.rule.room_one_to_one")):
        await alice.says(room_id, body)
        await desk.sees(lambda body=body: (alice.user_id, body) in desk.said)
        room = desk.client.rooms[room_id]
        rule = desk.rules.matching_rule(desk.events[room_id][-1], room, desk.name)
        assert rule is not None and rule.id == rule_id, rule
