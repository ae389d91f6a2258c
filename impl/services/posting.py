"""Events of our users on their way into a room: straight, or, where the room has a policy server,
past that first. S-S API, "Policy Servers".

Whether it has one is seen under the room's lock, at no cost. Then the event is made at the head of
the room without anybody waiting for it, the policy server looks at it, and it comes into the room
like one that was made elsewhere: if the room has gone on meanwhile, on a branch of its own."""

from collections.abc import Sequence
from dataclasses import replace

from impl import errors
from impl.app import App
from impl.core.event_builder import Draft
from impl.services import policy_server, room_reading
from impl.services.room_events import batching, drafting
from impl.services.room_events.submission import NeedsVoucher, Received, Submission
from impl.storage.rooms import Room


def submit(app: App, submission: Submission) -> list[str]:
    """Append to a room, as batching.submit does. Raises also what a policy server says that refuses
    an event, and a 502 where it does not answer.
    """
    try:
        return batching.submit(app, replace(submission, minds_policy=True))
    except NeedsVoucher:
        pass
    with app.database.read() as txn:
        room = room_reading.get(app, txn, submission.room_id)
    event_ids: list[str] = []
    for one in _one_by_one(submission):
        event_ids += _submit(app, room, one)
    return event_ids


def _one_by_one(submission: Submission) -> Sequence[Submission]:
    """Each draft alone: what the next one stands on is known only then."""
    drafts = submission.drafts
    alone = [Submission(submission.room_id, [draft]) for draft in drafts]
    first = replace(submission, drafts=drafts[:1], alongside=None)
    last = replace(alone[-1], alongside=submission.alongside)
    return [submission] if len(drafts) == 1 else [first, *alone[1:-1], last]


def _submit(app: App, room: Room, submission: Submission) -> list[str]:
    (draft,) = submission.drafts
    made = drafting.make(app, room, draft)
    if isinstance(made, str):
        return batching.submit(app, submission)  # It is so already.
    try:
        event = policy_server.vouch(app, room, made)
    except errors.MatrixError:
        if not _is_leaving(draft):
            raise
        # Nobody is held in a room.
        return batching.submit(app, submission)
    if event is made:
        return batching.submit(app, submission)  # The policy server is in the room no more.
    received = [*submission.received, Received(event, is_outgoing=True, must_be_allowed=True)]
    return batching.submit(app, replace(submission, drafts=[], received=received))


def _is_leaving(draft: Draft) -> bool:
    is_own = draft.type == "m.room.member" and draft.state_key == draft.sender
    return is_own and draft.content.get("membership") == "leave"
