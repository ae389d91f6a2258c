"""User-interactive authentication. C-S API, "User-Interactive Authentication API".

Theory. An operation names flows, lists of stages, of which the user completes one, in its order. A
first request without `auth` is answered with 401, the flows and a session; each further one carries
a stage, and the last one carries out the operation. The session is kept in the database, so that
any worker may serve any step, and is bound to the operation and to the request's body as it was at
first: nobody can have a harmless request authenticated and send another with its session. For a
registration, which harms nobody else, later steps may say what earlier ones did not.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from impl import errors
from impl.app import App
from impl.requester import Requester
from impl.services import sessions
from impl.storage import accounts, devices, ui_auth
from impl.storage.ui_auth import Session

DUMMY = "m.login.dummy"
PASSWORD = "m.login.password"
REGISTRATION_TOKEN = "m.login.registration_token"

SESSION_MS = 15 * 60_000
# As many are given up when another begins; the rest is a job's.
EXPIRED_AT_ONCE = 100

Flow = Sequence[str]


def authenticate(
    app: App,
    operation: str,
    flows: Sequence[Flow],
    body: Mapping[str, Any],
    user_id: str | None = None,
    *,
    may_change: bool = False,
) -> Session:
    """The session, with the operation's body, once a flow is complete; until then raises
    UserAuthenticationRequired. Whoever carries the operation out calls `use_up` in its transaction.
    `user_id` is whose password the password stage takes. With `may_change`, what a later step says
    of the body counts, and what it leaves out stays."""
    auth = body.get("auth")
    wanted = _wanted(body)
    if auth is None:
        raise _required(_begin(app, operation, wanted), flows)
    if not isinstance(auth, dict):
        raise errors.BadJson("auth is not an object")

    stage = auth.get("type")
    if stage is not None and not isinstance(stage, str):
        raise errors.BadJson("auth.type is not a string")
    session = _find(app, operation, auth, wanted, may_change)
    # A stage that is complete is not done again: the answer is where things stand.
    if stage is not None and stage not in session.completed:
        session = _do_stage(app, session, flows, stage, auth, user_id)
    if not any(set(flow) <= session.completed.keys() for flow in flows):
        raise _required(session, flows)
    return session


def authenticate_user(
    app: App,
    requester: Requester,
    operation: str,
    body: Mapping[str, Any],
    *,
    may_be_recent: bool = False,
) -> dict[str, Any]:
    """For what a user does to their own account: by their password. Returns the body, without
    `auth`. With `may_be_recent`, one proof is good for `ui_auth.session_timeout`.
    """
    if may_be_recent and _has_proved_lately(app, requester):
        return _wanted(body)
    name = f"{operation} {requester.user_id}"
    session = authenticate(app, name, [[PASSWORD]], body, requester.user_id)
    with app.database.transaction() as txn:
        use_up(txn, session)
        if requester.device_id is not None:
            devices.put_proved(txn, requester.user_id, requester.device_id, app.now_ms())
    return session.body


def _has_proved_lately(app: App, requester: Requester) -> bool:
    timeout_ms = app.config.ui_auth_session_timeout
    if not timeout_ms or requester.device_id is None:
        return False
    with app.database.read() as txn:
        proved_ts = devices.get_proved(txn, requester.user_id, requester.device_id)
    return proved_ts is not None and app.now_ms() - proved_ts < timeout_ms


def _wanted(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "auth" and value is not None}


def use_up(txn: Any, session: Session) -> None:
    """End a session whose operation is carried out."""
    if not ui_auth.delete(txn, session.session_id):
        raise errors.Unknown("auth.session was used already")
    if token := session.completed.get(REGISTRATION_TOKEN):
        accounts.release_registration_token(txn, token, is_used=True)


def _begin(app: App, operation: str, body: dict[str, Any]) -> Session:
    session = Session(secrets.token_urlsafe(18), app.now_ms(), operation, body, {})
    with app.database.transaction() as txn:
        # Who wants the last use of a registration token need not wait for the job.
        _delete_expired(app, txn, EXPIRED_AT_ONCE)
        ui_auth.insert(txn, session)
    return session


def give_up_expired(app: App, limit: int) -> bool:
    """Forget some of the sessions that are too old; whether there may be more."""
    with app.database.transaction() as txn:
        return _delete_expired(app, txn, limit) == limit


def _delete_expired(app: App, txn: Any, limit: int) -> int:
    expired = ui_auth.delete_old(txn, app.now_ms() - SESSION_MS, limit)
    tokens = [one[REGISTRATION_TOKEN] for one in expired if REGISTRATION_TOKEN in one]
    for token in sorted(tokens):  # In one order, so that two of us cannot wait for each other.
        accounts.release_registration_token(txn, token, is_used=False)
    return len(expired)


def _find(
    app: App, operation: str, auth: Mapping[str, Any], body: dict[str, Any], may_change: bool
) -> Session:
    session_id = auth.get("session")
    if session_id is None:
        # All in one request: for clients that know the flows beforehand.
        return _begin(app, operation, body)
    if not isinstance(session_id, str) or "\0" in session_id:
        raise errors.BadJson("auth.session is not a string")
    with app.database.transaction() as txn:
        session = ui_auth.lock(txn, session_id)
        if session is None or session.created_ts < app.now_ms() - SESSION_MS:
            raise errors.Unknown("auth.session is not known, or has expired")
        if session.operation != operation:
            raise errors.Forbidden("auth.session is for another operation")
        # A later step may leave the body out.
        if not body or body == session.body:
            return session
        if not may_change:
            raise errors.Forbidden("the request is not the one that auth.session was begun with")
        session = replace(session, body={**session.body, **body})
        ui_auth.put_body(txn, session_id, session.body)
    return session


def _do_stage(
    app: App,
    session: Session,
    flows: Sequence[Flow],
    stage: str,
    auth: Mapping[str, Any],
    user_id: str | None,
) -> Session:
    if not any(stage in flow for flow in flows):
        raise errors.Unknown("auth.type is none of the stages of this operation")
    if not any(_is_next(flow, stage, session) for flow in flows):
        raise _required(session, flows, errors.Forbidden("another stage comes first"))
    try:
        found = _check_stage(app, stage, auth, user_id)
        with app.database.transaction() as txn:
            locked = ui_auth.lock(txn, session.session_id)
            if locked is None:
                raise errors.Unknown("auth.session was used already")
            if stage not in locked.completed:
                _take(app, txn, stage, found)
                locked = replace(locked, completed={**locked.completed, stage: found})
                ui_auth.put_completed(txn, session.session_id, locked.completed)
            return locked
    except (errors.Forbidden, errors.Unauthorized) as error:
        raise _required(session, flows, error) from error


def _is_next(flow: Flow, stage: str, session: Session) -> bool:
    return stage in flow and set(flow[: flow.index(stage)]) <= session.completed.keys()


def _check_stage(app: App, stage: str, auth: Mapping[str, Any], user_id: str | None) -> str:
    """What the stage found out."""
    if stage == PASSWORD and user_id is not None:
        password = auth.get("password")
        if not isinstance(password, str):
            raise errors.MissingParam("auth.password is missing")
        if _named_user(app, auth) not in (None, user_id):
            raise errors.Forbidden("the user or the password is wrong")
        return sessions.check_password(app, user_id, password).user_id
    if stage == REGISTRATION_TOKEN:
        token = auth.get("token")
        if not isinstance(token, str) or "\0" in token:
            raise errors.MissingParam("auth.token is missing")
        return token
    return ""


def _take(app: App, txn: Any, stage: str, found: str) -> None:
    """What a stage takes while the rest of its flow is under way."""
    if stage == REGISTRATION_TOKEN and not accounts.reserve_registration_token(
        txn, found, app.now_ms()
    ):
        raise errors.Unauthorized("the registration token is not valid")


def _named_user(app: App, auth: Mapping[str, Any]) -> str | None:
    identifier = auth.get("identifier")
    name = identifier.get("user") if isinstance(identifier, dict) else auth.get("user")
    if not isinstance(name, str):
        return None
    return name if name.startswith("@") else f"@{name}:{app.server_name}"


def _required(
    session: Session, flows: Sequence[Flow], error: errors.MatrixError | None = None
) -> errors.UserAuthenticationRequired:
    body: dict[str, Any] = {
        "flows": [{"stages": list(flow)} for flow in flows],
        "params": {},
        "session": session.session_id,
    }
    if session.completed:
        body["completed"] = list(session.completed)
    if error is None:
        return errors.UserAuthenticationRequired(body)
    return errors.UserAuthenticationRequired(body, errcode=error.errcode, message=error.message)
