"""EDUs that are made to cost much: what one transaction has us do is bounded, and what it leaves
behind."""

from typing import Any

import pytest

from impl.app import App
from impl.services import receipts as read_receipts
from impl.services.incoming import edu
from impl.storage.database import Transaction
from tests.builders import ALICE, append, message
from tests.services.incoming.site import Site, let_in, put
from tests.services.incoming.test_edu import receipt, receipts, typing_edu
from tests.services.room_events.elsewhere import DAVE, EVELYN, FRANK, a_room_elsewhere

Json = dict[str, Any]


@pytest.fixture
def room_id(app: App, site: Site) -> str:
    return let_in(app, site, a_room_elsewhere())


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    execute = Transaction.execute

    def counting(self: Transaction, sql: str, *rest: Any) -> None:
        seen.append(sql)
        execute(self, sql, *rest)

    monkeypatch.setattr(Transaction, "execute", counting)
    return seen


def edus_of(edu_type: str, *contents: Json) -> list[Json]:
    return [{"edu_type": edu_type, "content": content} for content in contents]


def test_receipts_of_threads_that_there_are_not_are_none(app: App, room_id: str) -> None:
    (event_id,) = append(app, room_id, message(ALICE, "1"))
    made_up = [
        receipt(room_id, EVELYN, event_id, thread_id=f"${number:043}") for number in range(50)
    ]
    put(app, edus=edus_of("m.receipt", *made_up, receipt(room_id, EVELYN, event_id)))
    assert receipts(app, room_id) == {(event_id, EVELYN, None): 7}


def test_one_user_has_only_so_many_receipts_in_a_room(
    app: App, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_receipts, "OF_OTHERS_MAX", 5)
    said = append(app, room_id, *(message(ALICE, str(number)) for number in range(8)))
    for event_id in said:
        put(app, edus=edus_of("m.receipt", receipt(room_id, EVELYN, said[0], thread_id=event_id)))
    assert len(receipts(app, room_id)) == 5
    # Those that there are go on, and others' begin.
    again = receipt(room_id, EVELYN, said[7], thread_id=said[0])
    of_dave = receipt(room_id, DAVE, said[7], thread_id=said[1])
    put(app, edus=edus_of("m.receipt", again, of_dave))
    found = receipts(app, room_id)
    assert (said[7], EVELYN, said[0]) in found
    assert (said[7], DAVE, said[1]) in found


def test_receipts_of_nobody_cost_little(
    app: App, site: Site, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edu, "RECEIPTS_MAX", 30)
    shared = [let_in(app, site, a_room_elsewhere("12", f"room{n}")) for n in range(10)]
    content: Json = {}
    for one in shared:
        content |= receipt(one, FRANK, "$x" + "y" * 42)
    statements.clear()
    put(app, edus=edus_of("m.receipt", *[content] * 100))
    assert len(statements) < 60


def test_what_is_said_of_rooms_that_nobody_knows_costs_one_look(
    app: App, room_id: str, statements: list[str]
) -> None:
    (event_id,) = append(app, room_id, message(ALICE, "1"))

    def cost(strange: int) -> int:
        unknown = [typing_edu(f"!{number}:third.example") for number in range(strange)]
        of_many = receipt(room_id, EVELYN, event_id)
        for number in range(strange):
            of_many |= receipt(f"!r{number}:third.example", EVELYN, event_id)
        odd = [typing_edu("!\0:x"), typing_edu("#a:x"), typing_edu("!\ud800:x")]
        statements.clear()
        put(app, edus=edus_of("m.typing", *unknown, *odd) + edus_of("m.receipt", of_many))
        return sum("FROM rooms" in one for one in statements)

    assert cost(1) == cost(60) == 1
    assert receipts(app, room_id) == {(event_id, EVELYN, None): 7}
