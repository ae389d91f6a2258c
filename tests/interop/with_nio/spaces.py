"""Bob looks through Alice's space."""

import nio

from tests.interop.with_nio.people import Person


async def talk(alice: Person, bob: Person) -> None:
    public = nio.RoomPreset.public_chat
    root = await alice.makes(name="root", space=True, preset=public)
    quarter = await alice.makes(name="quarter", space=True, preset=public)
    square = await alice.makes(name="square", topic="all meet", preset=public)
    alley = await alice.makes(name="alley", preset=public)
    cellar = await alice.makes(name="cellar", preset=nio.RoomPreset.private_chat)

    async def put(parent: str, child: str, **content: object) -> None:
        content = {"via": ["localhost"], **content}
        state = alice.client.room_put_state(parent, "m.space.child", content, child)
        await alice.does(state)

    await put(root, quarter, order="b")
    await put(root, cellar, order="c")
    await put(root, square, order="a", suggested=True)
    await put(quarter, root)
    await put(quarter, alley)
    assert await names(bob, root) == ["root", "square", "quarter", "alley"]
    await alice.does(alice.client.room_invite(cellar, bob.user_id))
    assert await names(bob, root) == ["root", "square", "quarter", "alley", "cellar"]
    assert await names(bob, root, max_depth=1) == ["root", "square", "quarter", "cellar"]
    assert await names(bob, root, suggested_only=True) == ["root", "square"]

    await bob.joins(root)
    assert bob.client.rooms[root].room_type == "m.space"
    await bob.sees(lambda: bob.client.rooms[root].children == {square, quarter, cellar})
    await alice.does(alice.client.room_put_state(root, "m.space.child", {}, square))
    await bob.sees(lambda: square not in bob.client.rooms[root].children)
    assert await names(bob, root) == ["root", "quarter", "alley", "cellar"]
    closed = bob.client.space_get_hierarchy("!unknown:localhost")
    await bob.is_refused(closed, "M_FORBIDDEN")


async def names(person: Person, root: str, **options: object) -> list[str]:
    found: list[str] = []
    start = None
    while start is not None or not found:
        asked = person.client.space_get_hierarchy(root, from_page=start, limit=1, **options)
        page = await person.does(asked)
        assert len(page.rooms) <= 1
        found += [room["name"] for room in page.rooms]
        start = page.next_batch
    return found
