"""Who is asking: what an operation's `security` demands, and nobody else looks at. C-S API, "Client
Authentication"; Application Service API, "Identity assertion".

What a token stands for is kept in the worker's memory (`app.tokens`). A token that any worker
revoked moves the page's count of revocations, and then all that is kept is forgotten (DESIGN 6).
"""

from hashlib import sha256

from impl import errors
from impl.app import TOKENS_CACHED_MAX, App
from impl.config.application_services import ApplicationService
from impl.core import identifiers
from impl.core.rate_limit import Allowance
from impl.requester import Requester
from impl.services.last_seen import LastSeen
from impl.storage import accounts, devices, rate_limits
from impl.storage.accounts import Account
from impl.web import account_rights
from impl.web.request import Environ, read_query

# Here a token says nothing about who may ask, so one that is no longer good does no harm.
_TOLERANT_OPERATIONS = frozenset(
    {"getVersions", "login", "register", "getUserProfile", "getProfileField"}
)
# Of these, the ones that ask nobody who they are.
_BEFORE_LOGIN = frozenset({"getVersions", "login", "register"})


class Authentication:
    """Checks tokens for one App."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._last_seen = app.part(LastSeen, LastSeen)
        self._services = {
            sha256(service.as_token.encode()).digest(): service
            for service in app.config.application_services
        }

    def require(self, environ: Environ, query: str, operation_id: str) -> Requester:
        """The user or the application service whose token came with the request."""
        token = _token(environ, query)
        if not token:
            raise errors.MissingToken("the access token is missing")
        requester = self._requester(token, query)
        if requester.is_locked and operation_id not in account_rights.OPEN_TO_LOCKED:
            raise errors.UserLocked
        user_agent = environ.get("HTTP_USER_AGENT")
        self._last_seen.note(requester, environ.get("REMOTE_ADDR"), user_agent)
        return requester

    def accept(self, environ: Environ, query: str, operation_id: str) -> Requester | None:
        """The same where the token may be missing."""
        if not _token(environ, query):
            return None
        try:
            return self.require(environ, query, operation_id)
        except errors.UnknownToken:
            if operation_id in _TOLERANT_OPERATIONS:
                return None
            raise
        except errors.UserLocked:
            if operation_id in _BEFORE_LOGIN:
                return None
            raise

    def _requester(self, token: str, query: str) -> Requester:
        token_hash = sha256(token.encode("utf-8", "surrogatepass")).digest()
        service = self._services.get(token_hash) if self._services else None
        if service is not None:
            return self._asserted(service, token_hash, query)

        requester = self._remembered(token_hash)
        if requester is None:
            revocations = self._app.tokens_revocations
            with self._app.database.read() as txn:
                owner = accounts.get_token_owner(txn, token_hash)
            if owner is None:
                raise errors.UnknownToken("the access token is not known")
            requester = Requester(
                owner.user_id,
                owner.device_id,
                token_hash,
                owner.is_guest,
                owner.is_admin,
                appservice_id=owner.appservice_id,
                token_expires_ts=owner.expires_ts,
                is_locked=owner.is_locked,
                is_suspended=owner.is_suspended,
                allowance=owner.allowance,
            )
            self._remember(token_hash, requester, revocations)

        expires_ts = requester.token_expires_ts
        if expires_ts is not None and expires_ts <= self._app.now_ms():
            raise errors.UnknownToken("the access token has expired", soft_logout=True)
        return requester

    def _remembered(self, key: bytes) -> Requester | None:
        app = self._app
        revocations = app.page.revocations()
        if revocations != app.tokens_revocations:
            app.tokens.clear()
            app.tokens_revocations = revocations
        return app.tokens.get(key)

    def _remember(self, key: bytes, requester: Requester, revocations: int) -> None:
        app = self._app
        # What was read while tokens were revoked may be void already: good for this request, not to
        # keep.
        if revocations != app.page.revocations():
            return
        if len(app.tokens) >= TOKENS_CACHED_MAX:
            del app.tokens[next(iter(app.tokens))]
        app.tokens[key] = requester

    def _asserted(self, service: ApplicationService, token_hash: bytes, query: str) -> Requester:
        """An application service speaks for itself or for one of its users."""
        given = read_query(query)
        own_user_id = f"@{service.sender_localpart}:{self._app.server_name}"
        user_id = given.get("user_id", [own_user_id])[0]
        device_ids = given.get("device_id") or given.get("org.matrix.msc3202.device_id")
        device_id = device_ids[0] if device_ids else None
        key = sha256(f"{user_id}\0{device_id}".encode() + token_hash).digest()
        requester = self._remembered(key)
        if requester is None:
            revocations = self._app.tokens_revocations
            account, allowance = self._check_assertion(
                service, user_id, device_id, is_own=user_id == own_user_id
            )
            requester = Requester(
                user_id,
                device_id,
                appservice_id=service.id,
                is_locked=account is not None and account.is_locked,
                is_suspended=account is not None and account.is_suspended,
                allowance=allowance,
            )
            self._remember(key, requester, revocations)
        return requester

    def _check_assertion(
        self, service: ApplicationService, user_id: str, device_id: str | None, *, is_own: bool
    ) -> tuple[Account | None, Allowance | None]:
        if not is_own:
            is_local = identifiers.server_name_of(user_id) == self._app.server_name
            if not is_local or not service.is_interested_in("users", user_id):
                raise errors.Forbidden("user_id is not in the application service's namespaces")
        with self._app.database.read() as txn:
            account = accounts.get(txn, user_id)
            device = devices.get(txn, user_id, device_id) if device_id is not None else None
            allowance = rate_limits.get(txn, user_id)
        if account is None and not is_own:
            raise errors.Forbidden("the application service has not registered this user")
        if account is not None and account.is_deactivated:
            raise errors.UserDeactivated("this user is deactivated")
        if device_id is not None and device is None:
            raise errors.MatrixError("device_id is not known", errcode="M_UNKNOWN_DEVICE")
        return account, allowance


def check_rights(
    requester: Requester, caller: str, operation_id: str, path_values: list[str]
) -> None:
    """Whether somebody like this may use the operation at all."""
    if requester.is_guest:
        account_rights.check_guest(operation_id, path_values, _TOLERANT_OPERATIONS)
    if requester.is_suspended:
        account_rights.check_suspended(operation_id, path_values)
    if caller == "admin" and not requester.is_admin:
        raise errors.Forbidden("only administrators may do this")
    # Not a user of the application service who has logged in.
    is_service = requester.appservice_id is not None and not requester.access_token_hash
    if caller == "appservice" and not is_service:
        raise errors.Forbidden("only application services may do this")


def _token(environ: Environ, query: str) -> str:
    authorization: str = environ.get("HTTP_AUTHORIZATION", "")
    kind, _, token = authorization.partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    if "access_token" in query:
        return read_query(query).get("access_token", [""])[0]
    return ""
