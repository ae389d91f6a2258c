"""What tests do to accounts."""

from dataclasses import replace
from urllib.parse import quote

from impl.app import App
from tests.api.api_client import Answer, Api, User, register

ADMIN = "/_matrix/client/v1/admin"


def an_admin(api: Api, app: App, localpart: str = "admin") -> User:
    """A user whom the database calls an administrator."""
    user = register(api, localpart)
    with app.database.transaction() as txn:
        txn.execute("UPDATE users SET is_admin = TRUE WHERE user_id = %s", (user.user_id,))
    app.page.revoke()
    return user


def moderate(admin: User, what: str, user_id: str, value: object) -> Answer:
    """`what`: lock or suspend."""
    return admin.put(f"{ADMIN}/{what}/{quote(user_id, safe='')}", {f"{what}ed": value})


def look(admin: User, what: str, user_id: str) -> Answer:
    return admin.get(f"{ADMIN}/{what}/{quote(user_id, safe='')}")


def through(user: User, api: Api) -> User:
    """The same client, served by another worker."""
    return replace(user, api=api)
