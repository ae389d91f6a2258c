"""`python -m tests.interop.with_nio URL_OF_ALICE URL_OF_BOB SUBJECT...`: tells as JSON how each
dialogue went, null if it went well.

A process of its own: pytest's is patched for gevent, and matrix-nio runs on asyncio. One for all,
since most of what a dialogue takes is to start it.
"""

import asyncio
import importlib
import json
import sys
import traceback

from tests.interop.with_nio.people import Person

DIALOGUE_S_MAX = 150
WITH_KEYS = ("encryption", "together")


async def hold(subject: str, url_of_alice: str, url_of_bob: str) -> str | None:
    talk = importlib.import_module(f"tests.interop.with_nio.{subject}").talk
    has_keys = subject in WITH_KEYS
    alice = Person(url_of_alice, f"alice_nio_{subject}", has_keys)
    bob = Person(url_of_bob, f"bob_nio_{subject}", has_keys)
    try:
        async with asyncio.timeout(DIALOGUE_S_MAX):
            await alice.registers()
            await bob.registers()
            await talk(alice, bob)
    except Exception:
        return traceback.format_exc()
    finally:
        await alice.client.close()
        await bob.client.close()
    return None


async def main(url_of_alice: str, url_of_bob: str, *subjects: str) -> None:
    went = {subject: await hold(subject, url_of_alice, url_of_bob) for subject in subjects}
    print(json.dumps(went))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
