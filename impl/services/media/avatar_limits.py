"""What may be somebody's avatar: `max_avatar_size` and `allowed_avatar_mimetypes`.

COMPAT(Synapse): of another server's file, only what is here is known; it is not fetched for this.
"""

from impl import errors
from impl.app import App
from impl.core import identifiers
from impl.storage import media


def check(app: App, mxc_uri: object) -> None:
    """Raises Forbidden. What is empty is no avatar, and that may be."""
    limits = app.config.media
    if not mxc_uri or (limits.max_avatar_size is None and not limits.allowed_avatar_mimetypes):
        return
    if not isinstance(mxc_uri, str) or not identifiers.is_mxc_uri(mxc_uri):
        raise errors.Forbidden("avatar_url is not an mxc:// URI, and may be no other here")
    origin, _, media_id = mxc_uri.removeprefix("mxc://").partition("/")
    with app.database.read() as txn:
        file = media.get(txn, origin, media_id)
    if file is None or file.size is None:
        raise errors.Forbidden("avatar_url is not a file of this server")
    if limits.max_avatar_size is not None and file.size > limits.max_avatar_size:
        raise errors.Forbidden(f"avatar_url is larger than {limits.max_avatar_size} bytes")
    kind = (file.content_type or "").partition(";")[0].strip().lower()
    if limits.allowed_avatar_mimetypes and kind not in limits.allowed_avatar_mimetypes:
        allowed = ", ".join(sorted(limits.allowed_avatar_mimetypes))
        raise errors.Forbidden(f"avatar_url is none of {allowed}")
