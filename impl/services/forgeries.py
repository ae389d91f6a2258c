"""How many large bodies are read in vain for who only says to be some server.

The names of servers and of their keys are known to all. Whether a body is signed can mostly be told
from its bytes; where it is not written as it was signed it has to be read and written anew, which
takes long. So that is done for so many that turn out to be signed by nobody, and then no more for a
while: for one address, and for all. Whoever sends bodies as they are signed does not notice."""

from impl import errors
from impl.app import App
from impl.core import rate_limit
from impl.core.rate_limit import Allowance

OF_ADDRESS = Allowance(0.5, 5)
OF_ALL = Allowance(2, 10)


def check(app: App, address: str) -> None:
    """Raises LimitExceeded."""
    now_ms = app.now_ms()
    for name, allowance in _spendings(address):
        wait_ms = rate_limit.wait_ms(app.page.rate_slots, allowance, name, now_ms)
        if wait_ms:
            raise errors.LimitExceeded(
                "the body is not canonical JSON, and too many were that nobody had signed",
                retry_after_ms=wait_ms,
            )


def note(app: App, address: str) -> None:
    """A body was read that nobody has signed."""
    now_ms = app.now_ms()
    for name, allowance in _spendings(address):
        rate_limit.spend(app.page.rate_slots, allowance, name, now_ms)


def _spendings(address: str) -> tuple[tuple[str, Allowance], ...]:
    return ((f"forgeries of {address}", OF_ADDRESS), ("forgeries", OF_ALL))
