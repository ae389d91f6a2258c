"""Uploads that take their time: what becomes of their senders meanwhile counts."""

import io

from impl.app import App
from tests.api.api_client import User
from tests.web.wsgi_call import call


class LoggingOut(io.BytesIO):
    """A body whose sender logs out before it comes."""

    def __init__(self, user: User, data: bytes) -> None:
        super().__init__(data)
        self._user: User | None = user

    def read(self, size: int | None = -1, /) -> bytes:
        user, self._user = self._user, None
        if user is not None:
            assert user.post("/_matrix/client/v3/logout").status == 200
        return super().read(size)


def test_a_token_that_was_revoked_meanwhile_uploads_nothing(alice: User, app: App) -> None:
    status, _, answer = call(
        alice.api.wsgi,
        "/_matrix/media/v3/upload",
        "POST",
        HTTP_AUTHORIZATION=f"Bearer {alice.access_token}",
        CONTENT_LENGTH="4",
        **{"wsgi.input": LoggingOut(alice, b"data")},
    )
    assert (status, answer["errcode"]) == (401, "M_UNKNOWN_TOKEN")
    assert [path for path in app.media_files.root.rglob("*") if path.is_file()] == []
