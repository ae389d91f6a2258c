"""A message to a thousand servers writes as many rows as one to two: each row that is inserted,
changed or deleted is counted, in all tables, by triggers."""

from collections import Counter

import pytest

from impl.app import App
from impl.services.sending.sender import Sender
from tests.builders import ALICE, append, member, message
from tests.services.room_events.elsewhere import Elsewhere, a_room_elsewhere, send
from tests.services.sending.world import World, settle

MANY = 1_000


@pytest.fixture
def counted(app: App) -> App:
    """Counts in sequences, since these keep what is rolled back as well."""
    with app.database.transaction() as txn:
        txn.execute(
            """
            CREATE FUNCTION count_row() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM nextval('written_' || TG_TABLE_NAME);
                RETURN NULL;
            END $$;
            DO $$
            DECLARE name text;
            BEGIN
                FOR name IN
                    SELECT table_name FROM information_schema.tables
                     WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
                LOOP
                    EXECUTE format('CREATE SEQUENCE %I', 'written_' || name);
                    EXECUTE format('CREATE TRIGGER count_row AFTER INSERT OR UPDATE OR DELETE'
                                   ' ON %I FOR EACH ROW EXECUTE FUNCTION count_row()', name);
                END LOOP;
            END $$
            """
        )
    return app


def written(app: App) -> Counter[str]:
    """Table -> how many rows were written so far."""
    with app.database.read() as txn:
        txn.execute(
            "SELECT substr(sequencename, 9), coalesce(last_value, 0) FROM pg_sequences"
            " WHERE sequencename LIKE 'written_%'"
        )
        return Counter(dict(txn.fetchall()))


def a_room_of(app: App, world: World, servers: int) -> Elsewhere:
    """A room of other servers with Alice in it, one of them her host's."""
    room = a_room_elsewhere(name=f"of {servers}")
    names = [f"s{number}.example" for number in range(servers - 1)]
    for name in names:
        room.add(member(f"@user:{name}", "join"))
    for name in [*names, "elsewhere.example"]:
        world.receiver(name)
    send(app, room, *room.events.values())
    return room


def test_a_message_to_a_thousand_servers_writes_no_more_rows_than_one_to_two(
    counted: App, sender: Sender, world: World
) -> None:
    of_message = []
    for servers in (2, MANY):
        room_id = a_room_of(counted, world, servers).create.room_id
        append(counted, room_id, message(ALICE, "first"))
        settle(sender)
        before = written(counted)
        append(counted, room_id, message(ALICE, "hello"))
        settle(sender)
        of_message.append(written(counted) - before)
        assert [one.bodies[-1:] for one in world.receivers.values()] == [["hello"]] * servers
    assert of_message[0] == of_message[1]
    assert of_message[0]["events"] == of_message[0]["timeline"] == 1
