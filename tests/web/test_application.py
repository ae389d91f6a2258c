"""A request through the WSGI callable: exceptions, deadlines, limits, and the line in the log."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gevent
import pytest

from impl import errors
from impl.app import App
from impl.config import Config, RateLimit
from impl.core.rejection import Malformed, Rejected, TooLarge
from impl.requester import Requester
from impl.storage.database import DatabaseUnavailable
from impl.web import authentication, path_tree
from impl.web.application import Application
from impl.web.rate_limit import Spending
from impl.web.route import Route
from tests.web.wsgi_call import CLIENT, application, call


def raising(error: Exception) -> Callable[[App], Any]:
    def function(app: App) -> Any:
        raise error

    return function


@pytest.mark.parametrize(
    ("error", "status", "errcode"),
    [
        (errors.Forbidden("no"), 403, "M_FORBIDDEN"),
        (Malformed("no"), 400, "M_BAD_JSON"),
        (TooLarge("no"), 413, "M_TOO_LARGE"),
        (Rejected("no"), 403, "M_FORBIDDEN"),
        (DatabaseUnavailable("no"), 503, "M_UNKNOWN"),
        (ValueError("no"), 500, "M_UNKNOWN"),
    ],
)
def test_every_exception_becomes_an_answer(
    app: App, error: Exception, status: int, errcode: str
) -> None:
    answered, headers, body = call(application(app, raising(error)))
    assert (answered, body["errcode"]) == (status, errcode)
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Content-Type"] == "application/json"


def test_a_bug_is_logged_once_under_the_name_that_the_client_gets(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    _, headers, body = call(application(app, raising(KeyError("secret"))))
    assert headers["X-Request-ID"] in body["error"] and "secret" not in body["error"]
    records = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(records) == 1 and records[0].request_id == headers["X-Request-ID"]


def test_a_database_that_is_away_says_when_to_come_back(app: App) -> None:
    _, headers, _ = call(application(app, raising(DatabaseUnavailable("away"))))
    assert int(headers["Retry-After"]) > 0


def test_what_takes_too_long_is_ended(app: App) -> None:
    wsgi = application(app, lambda app: gevent.sleep(5), deadline_s=0.02)
    assert call(wsgi)[0] == 504


def test_another_timeout_is_not_taken_for_the_deadline(app: App) -> None:
    def function(app: App) -> None:
        with gevent.Timeout(0.02):
            gevent.sleep(5)

    with pytest.raises(gevent.Timeout):
        call(application(app, function, deadline_s=5))


def test_an_operation_without_a_function_is_unrecognized_without_a_token(app: App) -> None:
    root = path_tree.Node()
    path_tree.add(root, "/x", Route("op", "", "GET", "/x", None, CLIENT, caller="token"))
    status, _, body = call(Application(app, root))
    assert (status, body["errcode"]) == (404, "M_UNRECOGNIZED")


def test_the_news_is_read_before_the_function_runs(app: App, new_app: Callable[..., App]) -> None:
    position = app.news.position
    app.page.advance(position + 1)
    caught_up: list[bool] = []
    app.news.catch_up = lambda: caught_up.append(True)
    call(application(app, lambda app: {}))
    assert caught_up


def test_a_whole_uri_is_taken_for_its_path(app: App) -> None:
    wsgi = application(app, lambda app: {})
    assert call(wsgi, "https://soma.test/x")[0] == 200
    assert call(wsgi, "https://soma.test")[0] == 404


def test_without_a_raw_target_the_path_is_put_together_again(app: App) -> None:
    root = path_tree.Node()
    route = Route("op", "", "GET", "/{a}", lambda app, a: {"a": a}, CLIENT, path_arguments=(0,))
    path_tree.add(root, "/{a}", route)
    path = "/é ?%".encode().decode("latin-1")
    _, _, body = call(Application(app, root), None, PATH_INFO=path)  # type: ignore[arg-type]
    assert body == {"a": "é ?%"}


def test_the_line_in_the_log_has_no_query(app: App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "impl.web.request_log")
    _, headers, _ = call(application(app, lambda app: {}), "/x?access_token=secret")
    (line,) = [record for record in caplog.records if record.name == "impl.web.request_log"]
    assert (line.method, line.path, line.status) == ("GET", "/x", 200)
    assert (line.bytes, line.address) == (2, "192.0.2.7")
    assert line.request_id == headers["X-Request-ID"]
    assert "secret" not in str(vars(line))


def test_a_name_from_the_proxy_is_kept(app: App) -> None:
    wsgi = application(app, lambda app: {})
    _, headers, _ = call(wsgi, **{"soma.request_id": "from-proxy"})
    assert headers["X-Request-ID"] == "from-proxy"
    _, headers, _ = call(wsgi, **{"soma.request_id": "a\r\nSet-Cookie: x"})
    assert "Cookie" not in headers["X-Request-ID"]


@pytest.fixture
def limited(new_app: Callable[..., App], config: Config) -> Callable[..., App]:
    """Workers of one machine, where one login an hour and two messages an hour are allowed."""
    limits = replace(
        config.rate_limits,
        rc_login_address=RateLimit(1 / 3600, 1),
        rc_message=RateLimit(1 / 3600, 2),
        rc_registration=RateLimit(1 / 3600, 1),
    )
    return lambda: new_app(rate_limits=limits)


def test_the_limit_of_an_address_holds_for_all_workers(limited: Callable[..., App]) -> None:
    spendings = (Spending("rc_login_address", "address"),)
    first = application(limited(), lambda app: {}, spendings=spendings)
    second = application(limited(), lambda app: {}, spendings=spendings)
    assert call(first)[0] == 200
    status, headers, body = call(second)
    assert (status, body["errcode"]) == (429, "M_LIMIT_EXCEEDED")
    assert int(headers["Retry-After"]) * 1000 >= body["retry_after_ms"] > 3_500_000
    assert call(second, REMOTE_ADDR="192.0.2.8")[0] == 200


def test_only_success_costs_where_the_table_says_so(limited: Callable[..., App]) -> None:
    outcomes = iter([errors.BadJson("no"), errors.BadJson("no"), None])

    def function(app: App) -> dict[str, object]:
        if error := next(outcomes):
            raise error
        return {}

    spendings = (Spending("rc_registration", "address", on_success=True),)
    wsgi = application(limited(), function, spendings=spendings)
    assert [call(wsgi)[0] for _ in range(4)] == [400, 400, 200, 429]


def test_guests_are_held_to_their_list() -> None:
    guest = Requester("@1:soma.test", "D", is_guest=True)
    check = authentication.check_rights
    check(guest, "token", "sync", [])
    check(guest, "optional token", "getVersions", [])
    check(guest, "token", "setProfileField", [guest.user_id, "displayname"])
    for caller, operation_id, values in (
        ("token", "createRoom", []),
        ("optional token", "changePassword", []),
        ("token", "setProfileField", [guest.user_id, "avatar_url"]),
    ):
        with pytest.raises(errors.GuestAccessForbidden):
            check(guest, caller, operation_id, values)


def test_administrators_and_application_services_have_operations_of_their_own() -> None:
    check = authentication.check_rights
    user = Requester("@a:soma.test", "D", b"hash")
    for caller in ("admin", "appservice"):
        with pytest.raises(errors.Forbidden):
            check(user, caller, "x", [])
    check(replace(user, is_admin=True), "admin", "x", [])
    check(Requester("@a:soma.test", None, appservice_id="bridge"), "appservice", "x", [])
    with pytest.raises(errors.Forbidden):
        check(replace(user, appservice_id="bridge"), "appservice", "x", [])
