"""Bob finds what Alice said, in scripts that put spaces between words and in those that do not."""

from typing import Any

import nio

from tests.interop.with_nio.people import Person

SAID = {
    "roses": "The roses are in bloom",
    "straße": "In der Straße blüht es",
    "公园": "我们今天去公园散步",
    "東京": "明日は東京駅で会いましょう",
    "공원": "내일 공원에서 만나요",
    "อากาศ": "วันนี้อากาศดีมาก",
}


async def talk(alice: Person, bob: Person) -> None:
    room_id = await alice.makes(preset=nio.RoomPreset.public_chat)
    closed = await alice.makes()
    await bob.joins(room_id)
    sent = {term: await alice.says(room_id, body) for term, body in SAID.items()}
    await alice.says(closed, "roses and อากาศ in private")
    while (await find(alice, "อากาศ"))["count"] < 2:
        pass  # A job follows the stream; each look is a request.
    for term, event_id in sent.items():
        found = await find(bob, term)
        assert [one["result"]["event_id"] for one in found["results"]] == [event_id], term
        assert found["count"] == 1
    [result] = (await find(bob, "公园"))["results"]
    around = result["context"]
    assert [one["event_id"] for one in around["events_before"]] == [sent["straße"]]
    assert [one["event_id"] for one in around["events_after"]] == [sent["東京"]]
    # Where Bob was, and what he found there, he may look around himself.
    context = await bob.does(bob.client.room_context(room_id, sent["公园"]))
    assert context.event.body == SAID["公园"]
    status, refusal = await bob.tries("POST", "v3", "search", body={"search_categories": 1})
    assert (status, refusal["errcode"]) == (400, "M_BAD_JSON")


async def find(person: Person, term: str) -> dict[str, Any]:
    events = {"search_term": term, "event_context": {"before_limit": 1, "after_limit": 1}}
    body = {"search_categories": {"room_events": events}}
    return (await person.asks("POST", "v3", "search", body=body))["search_categories"][
        "room_events"
    ]
