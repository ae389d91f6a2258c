"""What tests are made of: the only place that invents data."""

from collections.abc import Sequence
from pathlib import Path

from impl.app import App
from impl.config import Config, RateLimit, RateLimits, SomaSettings
from impl.config.federation import RcFederation
from impl.core import signing
from impl.core.event_builder import Draft
from impl.core.signing import SigningKey
from impl.requester import Requester
from impl.services.room_events import batching, create
from impl.services.room_events.submission import Submission

SERVER_NAME = "soma.test"
ALICE = f"@alice:{SERVER_NAME}"
BOB = f"@bob:{SERVER_NAME}"
CHARLIE = f"@charlie:{SERVER_NAME}"

UNLIMITED = RateLimit(per_second=1e6, burst_count=1_000_000)


def a_signing_key() -> SigningKey:
    return signing.new_signing_key(b"\x01" * 32, "test")


def a_config(directory: Path) -> Config:
    """A server on loopback where anybody may register, without limits of rates."""
    names = RateLimits.__dataclass_fields__
    return Config(
        server_name=SERVER_NAME,
        public_baseurl=f"https://{SERVER_NAME}/",
        listeners=(),
        signing_key_path=directory / "signing.key",
        media_store_path=directory / "media",
        soma=SomaSettings(data_dir=directory),
        registration_shared_secret="shared secret",
        enable_registration=True,
        enable_registration_without_verification=True,
        rate_limits=RateLimits(**dict.fromkeys(names, UNLIMITED)),
        rc_federation=RcFederation(sleep_limit=1_000_000, reject_limit=1_000_000, concurrent=1_000),
    )


def a_requester(user_id: str, **changes: object) -> Requester:
    """Who is asking, on a device of theirs."""
    return Requester(user_id, **{"device_id": "DEVICE", **changes})  # type: ignore[arg-type]


def member(user_id: str, membership: str, sender: str | None = None, **content: object) -> Draft:
    """A draft of a membership."""
    return Draft(
        "m.room.member",
        sender or user_id,
        {"membership": membership, **content},
        state_key=user_id,
    )


def message(sender: str, body: str) -> Draft:
    return Draft("m.room.message", sender, {"msgtype": "m.text", "body": body})


def a_room(
    app: App,
    creator: str = ALICE,
    room_version: str = "12",
    join_rule: str = "public",
    first: Sequence[Draft] = (),
) -> str:
    """A room with its creator in it, made by the persister alone. `first` are further events of its
    first batch.
    """
    content: dict[str, object] = {"room_version": room_version}
    if room_version in map(str, range(1, 11)):
        content["creator"] = creator
    made = create.create_event(app, Draft("m.room.create", creator, content, ""), room_version)
    users = {} if room_version == "12" else {creator: 100}
    drafts = [
        member(creator, "join"),
        Draft("m.room.power_levels", creator, {"users": users}, ""),
        Draft("m.room.join_rules", creator, {"join_rule": join_rule}, ""),
        *first,
    ]
    batching.submit(app, Submission(made.room_id, drafts, create_event=made))
    return made.room_id


def append(app: App, room_id: str, *drafts: Draft) -> list[str]:
    return batching.submit(app, Submission(room_id, list(drafts)))
