"""/sync on a real database: what is ephemeral, account data, what `unsigned` says."""

from impl.app import App
from impl.core.event_builder import Draft
from impl.services import account_data as account_data_service
from impl.services import messages, receipts, typing
from impl.services.sync import sync as syncing
from impl.services.sync.request import Question
from impl.storage import account_data
from tests.builders import ALICE, BOB, a_room, append, member, message
from tests.services.sync_client import ask, joined, plain, requester


def ignore(app: App, user_id: str, ignored: str) -> None:
    content = {"ignored_users": {ignored: {}}}
    own = requester(user_id)
    account_data_service.put(app, own, user_id, "", "m.ignored_user_list", content)


def test_typing_is_told_and_its_end(app: App) -> None:
    room_id = a_room(app)
    append(app, room_id, member(BOB, "join"))
    first = ask(app, BOB)
    typing.start(app, requester(ALICE), room_id, ALICE, 30_000)
    second = ask(app, BOB, first["next_batch"])
    assert joined(second, room_id)["ephemeral"]["events"] == [
        {"type": "m.typing", "content": {"user_ids": [ALICE]}}
    ]
    typing.stop(app, requester(ALICE), room_id, ALICE)
    third = ask(app, BOB, second["next_batch"])
    assert joined(third, room_id)["ephemeral"]["events"] == [
        {"type": "m.typing", "content": {"user_ids": []}}
    ]


def test_of_who_is_ignored_neither_typing_nor_receipts_are_told(app: App) -> None:
    room_id = a_room(app)
    (event_id,) = append(app, room_id, member(BOB, "join"))
    ignore(app, BOB, ALICE)
    first = ask(app, BOB)
    typing.start(app, requester(ALICE), room_id, ALICE, 30_000)
    receipts.send(app, requester(ALICE), room_id, "m.read", event_id, None)
    second = ask(app, BOB, first["next_batch"])
    assert second["rooms"]["join"] == {}
    typing.start(app, requester(BOB), room_id, BOB, 30_000)
    third = ask(app, BOB, second["next_batch"])
    assert joined(third, room_id)["ephemeral"]["events"] == [
        {"type": "m.typing", "content": {"user_ids": [BOB]}}
    ]
    ephemeral = joined(ask(app, BOB), room_id)["ephemeral"]["events"]
    assert ALICE not in str(ephemeral)


def test_who_ignores_themselves_goes_on_to_see_what_they_say(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    ignore(app, ALICE, ALICE)
    (said,) = append(app, room_id, message(ALICE, "here"))
    events = joined(ask(app, ALICE, first["next_batch"]), room_id)["timeline"]["events"]
    assert said in [one["event_id"] for one in events]


def test_a_private_receipt_is_told_to_its_owner_only(app: App) -> None:
    room_id = a_room(app)
    (event_id,) = append(app, room_id, member(BOB, "join"))
    before = ask(app, BOB)["next_batch"]
    receipts.send(app, requester(ALICE), room_id, "m.read.private", event_id, None)
    assert ask(app, BOB, before)["rooms"]["join"] == {}
    own = joined(ask(app, ALICE, before), room_id)["ephemeral"]["events"]
    assert ALICE in own[0]["content"][event_id]["m.read.private"]
    receipts.send(app, requester(ALICE), room_id, "m.read", event_id, "main")
    seen = joined(ask(app, BOB, before), room_id)["ephemeral"]["events"]
    assert seen[0]["content"][event_id]["m.read"][ALICE]["thread_id"] == "main"


def test_account_data_is_told_when_it_changes(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    with app.database.transaction() as txn:
        account_data.put(txn, ALICE, "", "org.example", {"a": 1})
        account_data.put(txn, ALICE, room_id, "m.tag", {"tags": {}})
    answer = ask(app, ALICE, first["next_batch"])
    assert answer["account_data"]["events"] == [{"type": "org.example", "content": {"a": 1}}]
    data = joined(answer, room_id)["account_data"]["events"]
    assert data == [{"type": "m.tag", "content": {"tags": {}}}]


def test_a_transaction_id_is_shown_to_its_device_only(app: App) -> None:
    room_id = a_room(app)
    first = ask(app, ALICE)
    messages.send(app, requester(ALICE), room_id, "m.room.message", "t1", {"body": "x"})
    app.news.catch_up()
    question = Question(since=first["next_batch"])
    own = plain(syncing.answer(app, requester(ALICE), question))
    other = plain(syncing.answer(app, requester(ALICE, "OTHER"), question))
    unsigned = joined(own, room_id)["timeline"]["events"][0]["unsigned"]
    assert unsigned["transaction_id"] == "t1"
    assert unsigned["membership"] == "join"
    assert "transaction_id" not in joined(other, room_id)["timeline"]["events"][0]["unsigned"]


def test_a_redacted_event_is_shown_without_its_content(app: App) -> None:
    room_id = a_room(app)
    (event_id,) = append(app, room_id, message(ALICE, "gone"))
    ask(app, ALICE)
    append(app, room_id, Draft("m.room.redaction", ALICE, {"reason": "why"}, redacts=event_id))
    events = joined(ask(app, ALICE), room_id)["timeline"]["events"]
    redacted = next(one for one in events if one["event_id"] == event_id)
    assert redacted["content"] == {}
    assert redacted["unsigned"]["redacted_because"]["content"]["reason"] == "why"


def test_a_state_event_says_what_it_replaced(app: App) -> None:
    room_id = a_room(app)
    topics = [Draft("m.room.topic", ALICE, {"topic": name}, "") for name in ("one", "two")]
    old, _ = append(app, room_id, *topics)
    last = joined(ask(app, ALICE), room_id)["timeline"]["events"][-1]
    assert last["unsigned"]["replaces_state"] == old
    assert last["unsigned"]["prev_content"] == {"topic": "one"}
