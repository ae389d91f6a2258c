"""How much somebody may upload, and how much they may promise to. C-S API, "Content repository",
"Security considerations" and "POST /_matrix/media/v1/create"."""

from typing import Any

from impl import errors
from impl.app import App
from impl.config.media import UploadLimit
from impl.requester import Requester
from impl.storage import account_data, media


def check_upload(app: App, requester: Requester, size: int) -> None:
    """Raises UserLimitExceeded, before the file is kept: `spend_upload` has the last word."""
    if app.config.media.media_upload_limits:
        with app.database.read() as txn:
            _check_sizes(app, txn, requester.user_id, size)


def spend_upload(app: App, txn: Any, requester: Requester, size: int) -> None:
    """The same where the row is written: one upload of a user after the other, so that together
    they are not too much.
    """
    if app.config.media.media_upload_limits:
        account_data.lock(txn, requester.user_id)
        _check_sizes(app, txn, requester.user_id, size)


def spend_promise(app: App, txn: Any, requester: Requester) -> None:
    """Raises LimitExceeded for who has promised too many files that have not come."""
    if _is_unlimited(app, requester):
        return
    account_data.lock(txn, requester.user_id)
    now_ms = app.now_ms()
    count, first_ts = media.count_promised(txn, requester.user_id, now_ms)
    settings = app.config.media
    if count >= settings.max_pending_media_uploads:
        wait_ms = settings.unused_expiration_time if first_ts is None else first_ts - now_ms
        raise errors.LimitExceeded(
            "too many files were promised and not uploaded", retry_after_ms=wait_ms
        )


def _check_sizes(app: App, txn: Any, user_id: str, size: int) -> None:
    # The longest time first: who is below its bound as a rule is below all.
    limits = sorted(
        app.config.media.media_upload_limits, key=lambda limit: limit.time_period, reverse=True
    )
    now_ms = app.now_ms()
    uploaded: int | None = None
    for limit in limits:
        if uploaded is None or uploaded + size > limit.max_size:
            uploaded = media.sum_sizes(txn, user_id, now_ms - limit.time_period)
        if uploaded + size > limit.max_size:
            raise _exceeded(app, limit)


def _exceeded(app: App, limit: UploadLimit) -> errors.UserLimitExceeded:
    # C-S API, "M_USER_LIMIT_EXCEEDED": there must be something to read.
    info_uri = limit.info_uri or app.config.soma.support.page or app.config.public_baseurl
    return errors.UserLimitExceeded(
        "you have uploaded as much as you may for now",
        info_uri=info_uri,
        can_upgrade=limit.can_upgrade,
    )


def _is_unlimited(app: App, requester: Requester) -> bool:
    return any(
        service.id == requester.appservice_id and not service.rate_limited
        for service in app.config.application_services
    )
