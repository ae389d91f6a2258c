"""`soma register`: make a user, over HTTP by the shared secret, or in the database.

Given a URL, the server there is asked. Otherwise the server of the configuration: over HTTP while
it runs and has a secret, else by writing into its database, which needs nothing but the right to
open it."""

import argparse
import getpass
import hashlib
import hmac
import json
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from impl.app import App
from impl.commands import configuration
from impl.config import Config
from impl.core.signing import read_signing_keys
from impl.errors import MatrixError
from impl.services import accounts
from impl.storage.migrate import migrate
from impl.storage.worker_page import WorkerPage
from impl.supervisor import data_directory
from impl.supervisor.supervisor import a_database

PATH = "/_synapse/admin/v1/register"
TIMEOUT_S = 30


class Refused(Exception):
    """The server said no, or could not be asked."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "What is not given is asked for."
    configuration.add_arguments(parser)
    parser.add_argument("-u", "--user", metavar="NAME", help="the part before the colon")
    parser.add_argument("-p", "--password", help="better leave it out, and be asked")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="its first line")
    admin = parser.add_mutually_exclusive_group()
    admin.add_argument("-a", "--admin", action="store_true", default=None, help="an administrator")
    admin.add_argument("--no-admin", action="store_false", dest="admin", help="an ordinary user")
    parser.add_argument("-k", "--shared-secret", metavar="SECRET", help="if it is not configured")
    parser.add_argument(
        "url", nargs="?", metavar="URL", help="the server, http://localhost:8008 say"
    )


def run(arguments: argparse.Namespace) -> int:
    config = configuration.read_with_secret(arguments, may_make=False)
    name, password, is_admin = _ask(arguments)
    secret = arguments.shared_secret or config.registration_shared_secret
    try:
        url = arguments.url or _url_of_running(config, secret)
        if url is None:
            user_id = _register_in_database(config, name, password, is_admin)
        elif secret is None:
            raise Refused("the registration_shared_secret is needed: configure it, or give -k")
        else:
            user_id = _register_over_http(url, secret, (name, password, is_admin))
    except (Refused, MatrixError) as error:
        print(f"soma: {error}", file=sys.stderr)
        return 1
    print(f"Registered {user_id}{' as an administrator' if is_admin else ''}.")
    return 0


def _ask(arguments: argparse.Namespace) -> tuple[str, str, bool]:
    try:
        name = arguments.user or input("User name: ").strip()
        password = arguments.password
        if arguments.password_file:
            password = arguments.password_file.read_text().partition("\n")[0]
        if not password:
            password = getpass.getpass("Password: ")
            if getpass.getpass("Again: ") != password:
                raise SystemExit("soma: the passwords differ")
        is_admin = arguments.admin
        if is_admin is None:
            is_admin = not arguments.user and input("Administrator [no]: ").lower().startswith("y")
    except EOFError:
        raise SystemExit("soma: there is nobody to ask: give -u and -p") from None
    except OSError as error:
        raise SystemExit(f"soma: {arguments.password_file}: {error.strerror}") from None
    return name, password, is_admin


def _url_of_running(config: Config, secret: str | None) -> str | None:
    """Our own server's plain-HTTP address, if it runs here: nobody else is sent a password."""
    if secret is None or not data_directory.is_locked(config):
        return None
    for listener in config.listeners:
        if listener.path or listener.tls or "client" not in listener.resources:
            continue
        address = listener.bind_addresses[0]
        address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
        host = f"[{address}]" if ":" in address else address
        return f"http://{host}:{listener.port}"
    return None


def _register_over_http(url: str, secret: str, user: tuple[str, str, bool]) -> str:
    name, password, is_admin = user
    nonce = str(_request(url, None)["nonce"])
    role = "admin" if is_admin else "notadmin"
    parts = [part.encode("utf-8") for part in (nonce, name, password, role)]
    answer = _request(
        url,
        {
            "nonce": nonce,
            "username": name,
            "password": password,
            "admin": is_admin,
            "mac": hmac.new(secret.encode("utf-8"), b"\0".join(parts), hashlib.sha1).hexdigest(),
        },
    )
    return str(answer["user_id"])


def _request(url: str, body: dict[str, object] | None) -> dict[str, object]:
    request = urllib.request.Request(
        url.rstrip("/") + PATH,
        data=None if body is None else json.dumps(body).encode("utf-8"),
        headers={"Content-Type": "application/json"},
    )
    # What the environment says of proxies is not for the server that was named.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_S) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        raise Refused(_reason(error.read()) or f"{url} answered {error.code}") from None
    except (OSError, ValueError) as error:
        raise Refused(f"{url}: {getattr(error, 'reason', error)}") from None
    if not isinstance(answer, dict):
        raise Refused(f"{url} is not a homeserver")
    return answer


def _reason(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return None


def _register_in_database(config: Config, name: str, password: str, is_admin: bool) -> str:
    data_directory.prepare(config)
    data_directory.check_server_name(config)
    data_directory.ensure_signing_key(config)
    signing_key = read_signing_keys(config.signing_key_path.read_text())[0]
    with tempfile.TemporaryDirectory() as directory, a_database(config) as dsn:
        migrate(config.past_pooler or dsn)
        page = Path(directory) / "workers"
        WorkerPage.create(page, 1)
        app = App(config, dsn, signing_key, WorkerPage(page, 0))
        app.start()
        try:
            return accounts.register_user(app, name, password, is_admin=is_admin)
        finally:
            app.stop()
