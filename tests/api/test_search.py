"""POST /search: what is found, and by whom. Its order, pages and context: test_search_pages.py."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from impl.app import App
from impl.services.search import index
from tests.api.api_client import Api, User
from tests.api.room_actions import CLIENT, act
from tests.api.searching import SEARCH, ask, found_by, ids, search, send_event, set_state


@pytest.fixture
def room_id(alice: User) -> str:
    return alice.create_room(preset="public_chat", name="Round table")


# What is found


@pytest.mark.parametrize(
    ("body", "term"),
    [
        ("Dinner is at EIGHT", "eight dinner"),
        ("我们明天在北京大学见面", "北京大学"),
        ("我们明天在北京大学见面", "见"),
        ("東京都庁に行きました", "都庁"),
        ("서울에서 만나요", "서울"),
        ("ฉันรักภาษาไทยมาก", "ภาษาไทย"),
        ("Встреча завтра", "ВСТРЕЧА"),
        ("it's c:\\temp 'quoted' & (more) | !", "c:\\temp 'quoted'"),
    ],
)
def test_messages_are_found_in_every_script(
    alice: User, room_id: str, body: str, term: str
) -> None:
    alice.send(room_id, "something else")
    event_id = alice.send(room_id, body)
    found = search(alice, term)
    assert ids(found) == [event_id]
    assert found["count"] == 1
    assert found["results"][0]["rank"] > 0
    assert found["results"][0]["result"]["room_id"] == room_id
    assert "context" not in found["results"][0]


def test_a_phrase_in_quotes_is_found_as_such(alice: User, room_id: str) -> None:
    wanted = alice.send(room_id, "the quick brown fox")
    alice.send(room_id, "brown is quick")
    assert found_by(alice, '"quick brown"') == [wanted]


def test_names_and_topics_are_found_by_their_keys(alice: User, room_id: str) -> None:
    message = alice.send(room_id, "a castle")
    name = set_state(alice, room_id, "m.room.name", name="The castle")
    forms = {"m.text": [{"body": "keep"}, {"body": "<b>keep</b>", "mimetype": "text/html"}]}
    topic = set_state(alice, room_id, "m.room.topic", topic="castle", **{"m.topic": forms})
    assert set(found_by(alice, "castle")) == {message, name, topic}
    assert found_by(alice, "castle", keys=["content.name"]) == [name]
    assert found_by(alice, "castle", keys=["content.topic"]) == [topic]
    assert found_by(alice, "keep") == [topic]
    assert found_by(alice, "castle", keys=["content.body"]) == [message]
    assert found_by(alice, "castle", keys=[]) == []


def test_other_types_of_events_are_not_found(alice: User, room_id: str) -> None:
    send_event(alice, room_id, "org.example", "1", body="xylophone")
    assert found_by(alice, "xylophone") == []


def test_what_has_no_body_does_no_harm(alice: User, room_id: str) -> None:
    send_event(alice, room_id, "m.room.message", "1", msgtype="m.text", body=["xylophone"])
    send_event(alice, room_id, "m.room.message", "2")
    set_state(alice, room_id, "m.room.topic", **{"m.topic": {"m.text": [7, {"body": 1}]}})
    assert found_by(alice, "xylophone") == []


@pytest.mark.parametrize("term", ["", "  ", "?!", '""', "\u200d"])
def test_a_term_without_words_finds_nothing(alice: User, room_id: str, term: str) -> None:
    alice.send(room_id, "?! x")
    assert search(alice, term) == {"count": 0, "highlights": [], "results": []}


def test_the_words_are_given_for_highlighting(alice: User, room_id: str) -> None:
    alice.send(room_id, "The Straße of 北京大学")
    found = search(alice, "Straße 北京大学")
    assert set(found["highlights"]) == {"Straße", "strasse", "北京大学"}


# Filters


def test_filters_choose_rooms_senders_types_and_urls(alice: User, bob: User, room_id: str) -> None:
    bob.join(room_id)
    other = alice.create_room()
    one = alice.send(room_id, "kiwi")
    two = bob.send(room_id, "kiwi")
    three = alice.send(other, "kiwi")
    four = send_event(alice, room_id, "m.room.message", "1", body="kiwi", url="mxc://a/b")

    def chosen(**wanted: Any) -> set[str]:
        return set(found_by(alice, "kiwi", filter=wanted))

    assert chosen() == {one, two, three, four}
    assert chosen(rooms=[room_id]) == {one, two, four}
    assert chosen(not_rooms=[room_id]) == {three}
    assert chosen(rooms=[]) == set()
    assert chosen(senders=[bob.user_id]) == {two}
    assert chosen(not_senders=[bob.user_id]) == {one, three, four}
    assert chosen(contains_url=True) == {four}
    assert chosen(contains_url=False) == {one, two, three}
    assert chosen(types=["m.room.name"]) == set()
    assert chosen(types=["m.room.*"]) == {one, two, three, four}
    assert chosen(not_types=["m.room.message"]) == set()


def test_filters_choose_what_others_relate_to(alice: User, bob: User, room_id: str) -> None:
    bob.join(room_id)
    one, _ = (alice.send(room_id, "lychee") for _ in range(2))
    related = {"m.relates_to": {"rel_type": "m.thread", "event_id": one}, "body": "reply"}
    send_event(bob, room_id, "m.room.message", "1", **related)
    for wanted, expected in (
        ({"related_by_senders": [bob.user_id]}, [one]),
        ({"related_by_rel_types": ["m.thread"]}, [one]),
        ({"related_by_senders": [alice.user_id]}, []),
    ):
        found = search(alice, "lychee", filter=wanted)
        assert (ids(found), found["count"]) == (expected, len(expected))


def test_ignored_users_are_not_found(alice: User, bob: User, room_id: str) -> None:
    bob.join(room_id)
    bob.send(room_id, "papaya")
    mine = alice.send(room_id, "papaya")
    alice.put(
        f"{CLIENT}/user/{alice.user_id}/account_data/m.ignored_user_list",
        {"ignored_users": {bob.user_id: {}}},
    )
    found = search(alice, "papaya", event_context={})
    assert (ids(found), found["count"]) == ([mine], 1)
    around = found["results"][0]["context"]["events_before"]
    assert bob.user_id not in [one["sender"] for one in around if one["type"] == "m.room.message"]


# Who may see what


def test_a_stranger_finds_nothing(alice: User, bob: User, room_id: str) -> None:
    alice.send(room_id, "secret")
    found = search(bob, "secret", filter={"rooms": [room_id]})
    assert found == {"count": 0, "highlights": [], "results": []}


def test_who_left_finds_what_they_saw(alice: User, bob: User, room_id: str) -> None:
    bob.join(room_id)
    before = alice.send(room_id, "secret")
    act(bob, room_id, "leave")
    alice.send(room_id, "secret again")
    found = search(bob, "secret", include_state=True)
    assert (ids(found), found["count"]) == ([before], 1)
    member = [
        one
        for one in found["state"][room_id]
        if one["type"] == "m.room.member" and one["state_key"] == bob.user_id
    ]
    assert [one["content"]["membership"] for one in member] == ["leave"]


def test_who_was_thrown_out_finds_what_they_saw(alice: User, bob: User, room_id: str) -> None:
    bob.join(room_id)
    before = alice.send(room_id, "secret")
    act(alice, room_id, "ban", bob)
    alice.send(room_id, "secret again")
    assert found_by(bob, "secret") == [before]


def test_a_forgotten_room_is_not_searched(alice: User, bob: User, room_id: str) -> None:
    bob.join(room_id)
    alice.send(room_id, "secret")
    act(bob, room_id, "leave")
    act(bob, room_id, "forget")
    assert found_by(bob, "secret") == []


def test_what_was_said_before_one_came_is_found_only_where_it_is_shared(
    alice: User, bob: User
) -> None:
    rooms = {}
    for visibility in ("shared", "joined"):
        state = {
            "type": "m.room.history_visibility",
            "content": {"history_visibility": visibility},
        }
        room_id = alice.create_room(preset="public_chat", initial_state=[state])
        rooms[visibility] = alice.send(room_id, "early")
        bob.join(room_id)
    found = search(bob, "early")
    # Nor is it counted.
    assert (ids(found), found["count"]) == ([rooms["shared"]], 1)


def test_an_invitation_alone_lets_nobody_search(alice: User, bob: User, room_id: str) -> None:
    alice.send(room_id, "secret")
    act(alice, room_id, "invite", bob)
    assert found_by(bob, "secret") == []


def test_all_the_world_may_search_a_room_by_name(alice: User, bob: User) -> None:
    state = {
        "type": "m.room.history_visibility",
        "content": {"history_visibility": "world_readable"},
    }
    room_id = alice.create_room(preset="public_chat", initial_state=[state])
    event_id = alice.send(room_id, "open")
    assert found_by(bob, "open") == []
    assert found_by(bob, "open", filter={"rooms": [room_id]}, include_state=True) == [event_id]


def test_encrypted_rooms_are_not_searched(alice: User, room_id: str) -> None:
    alice.send(room_id, "plain")
    send_event(alice, room_id, "m.room.encrypted", "1", body="plain")
    assert len(found_by(alice, "plain")) == 1
    set_state(alice, room_id, "m.room.encryption", algorithm="m.megolm.v1.aes-sha2")
    assert found_by(alice, "plain") == []


def test_what_was_redacted_is_never_found_again(
    alice: User, room_id: str, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = alice.send(room_id, "regret")
    assert found_by(alice, "regret") == [event_id]
    place = f"{quote(room_id, safe='')}/redact/{quote(event_id)}/1"
    with monkeypatch.context() as patch:
        # Though the index does not know of it yet.
        patch.setattr(index, "catch_up", lambda _: None)
        assert alice.put(f"{CLIENT}/rooms/{place}", {}).status == 200
        assert search(alice, "regret")["count"] == 0
    assert found_by(alice, "regret") == []
    with app.database.read() as txn:
        txn.execute("SELECT count(*) FROM search_texts WHERE key = 1")
        assert txn.fetchone() == (0,)


def test_the_rooms_before_an_upgrade_are_searched_with_their_successor(
    alice: User, bob: User, room_id: str
) -> None:
    bob.join(room_id)
    before = alice.send(room_id, "heirloom")
    answer = alice.post(f"{CLIENT}/rooms/{quote(room_id)}/upgrade", {"new_version": "11"})
    successor = answer.json["replacement_room"]
    after = alice.send(successor, "heirloom")
    assert set(found_by(alice, "heirloom", filter={"rooms": [successor]})) == {before, after}
    assert found_by(alice, "heirloom", filter={"rooms": [room_id]}) == [before]
    # Whoever was only in the new one does not see the old one by it.
    act(bob, room_id, "leave")
    act(bob, room_id, "forget")
    bob.join(successor)
    assert found_by(bob, "heirloom", filter={"rooms": [successor]}) == [after]


# Workers, and bad input


def test_what_another_worker_took_is_found_at_once(
    alice: User, room_id: str, app: App, new_app: Callable[..., App], api_of: Callable[[App], Api]
) -> None:
    event_id = alice.send(room_id, "elsewhere")
    other = replace(alice, api=api_of(new_app(app.database.dsn)))
    assert found_by(other, "elsewhere") == [event_id]


@pytest.mark.parametrize(
    "criteria",
    [
        {"search_term": 1},
        {"search_term": None},
        {"search_term": "x" * 2001},
        {"search_term": "x\0y"},
        {"keys": ["content.other"]},
        {"keys": "content.body"},
        {"filter": {"limit": 0}},
        {"filter": {"limit": -1}},
        {"filter": {"rooms": ["x"]}},
        {"filter": {"types": 1}},
        {"filter": []},
        {"order_by": "best"},
        {"groupings": {"group_by": [{"key": "other"}]}},
        {"groupings": {"group_by": [{}]}},
        {"event_context": {"before_limit": "x"}},
        {"include_state": "yes"},
    ],
)
def test_criteria_that_cannot_be_read_are_refused(
    alice: User, room_id: str, criteria: dict[str, Any]
) -> None:
    body = {"search_categories": {"room_events": {"search_term": "x", **criteria}}}
    answer = alice.post(SEARCH, body)
    assert answer.status == 400
    assert answer.errcode in ("M_BAD_JSON", "M_INVALID_PARAM")


def test_a_lone_surrogate_is_no_failure(alice: User, room_id: str) -> None:
    answer = ask(alice, "\ud800")
    assert answer.status in (200, 400)


@pytest.mark.parametrize(
    "next_batch", ["x", "s1", "W10", "bnVsbA", "WzEsMiwzLDRd", "W1sxLDIsM10sMSwieCIsInkiXQ", "é"]
)
def test_a_token_of_something_else_is_refused(alice: User, room_id: str, next_batch: str) -> None:
    answer = ask(alice, "x", next_batch)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


def test_a_search_of_no_category_is_answered_with_none(alice: User) -> None:
    assert alice.post(SEARCH, {"search_categories": {}}).json == {"search_categories": {}}
    assert alice.post(SEARCH, {}).errcode == "M_BAD_JSON"


def test_limits_of_context_that_are_negative_or_huge_are_bounded(alice: User, room_id: str) -> None:
    event_id = alice.send(room_id, "y")
    context = {"before_limit": -1, "after_limit": 10**9}
    assert found_by(alice, "y", event_context=context, filter={"limit": 10**9}) == [event_id]


@pytest.mark.parametrize(
    "text",
    [
        "".join(chr(0x4E00 + number) for number in range(2000)),
        " ".join(f"w{number}" for number in range(350)),
        '"' + " ".join(f"w{number}" for number in range(350)) + '"',
        "字" * 200,
        "x" * 2000,
    ],
)
def test_the_longest_terms_are_found(alice: User, room_id: str, text: str) -> None:
    event_id = alice.send(room_id, "before " + text.replace('"', "") + " after")
    assert found_by(alice, text) == [event_id]
