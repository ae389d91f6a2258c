"""The keys of the content repository: how much may be uploaded, what is kept for how long, which
smaller forms there are of an image. `max_upload_size` and `media_store_path` are of all (parts.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from impl.config.rate_limits import RateLimit
from impl.config.section import Section
from impl.core.identifiers import is_server_name

# More of a smaller form has no sense, and is a slip.
_SIDE_MAX = 10_000


class ThumbnailSize(NamedTuple):
    """One of `thumbnail_sizes`. `method` is "crop" or "scale"."""

    width: int
    height: int
    method: str


class UploadLimit(NamedTuple):
    """One of `media_upload_limits`: no more than `max_size` in any `time_period`.

    The rest is what one is told who meets the limit: C-S API, "M_USER_LIMIT_EXCEEDED".
    """

    time_period: int
    max_size: int
    info_uri: str | None = None
    can_upgrade: bool = False


# C-S API, "Thumbnails": those that a server should have.
THUMBNAIL_SIZES = (
    ThumbnailSize(32, 32, "crop"),
    ThumbnailSize(96, 96, "crop"),
    ThumbnailSize(320, 240, "scale"),
    ThumbnailSize(640, 480, "scale"),
    ThumbnailSize(800, 600, "scale"),
)
REMOTE_MEDIA_DOWNLOAD = RateLimit(87 << 10, 500 << 20)


@dataclass(frozen=True, slots=True)
class Media:
    """Each is a key of the file, or a piece of one, and has its name but where it is said."""

    max_image_pixels: int = 32 << 20
    dynamic_thumbnails: bool = False
    thumbnail_sizes: tuple[ThumbnailSize, ...] = THUMBNAIL_SIZES
    # Whether what comes in from now on is only for those who say who they are.
    enable_authenticated_media: bool = True
    # How many files one may promise, and how long such a promise holds.
    max_pending_media_uploads: int = 5
    unused_expiration_time: int = 86_400_000
    media_upload_limits: tuple[UploadLimit, ...] = ()
    # `media_retention`: how long a file is kept that nobody asks for; None: for ever.
    local_media_lifetime: int | None = None
    remote_media_lifetime: int | None = None
    prevent_media_downloads_from: frozenset[str] = frozenset()
    # `remote_media_download_per_second` and `_burst_count`: bytes from other servers for one
    # address.
    remote_media_download: RateLimit = REMOTE_MEDIA_DOWNLOAD
    # What may be an avatar; None: all.
    max_avatar_size: int | None = None
    allowed_avatar_mimetypes: frozenset[str] | None = None


def read(root: Section) -> Media:
    retention = root.section("media_retention")
    media = Media(
        max_image_pixels=root.size("max_image_pixels", 32 << 20),
        dynamic_thumbnails=root.boolean("dynamic_thumbnails", False),
        thumbnail_sizes=_read_thumbnail_sizes(root),
        enable_authenticated_media=root.boolean("enable_authenticated_media", True),
        max_pending_media_uploads=root.integer("max_pending_media_uploads", 5),
        unused_expiration_time=_duration(root, "unused_expiration_time", 86_400_000),
        media_upload_limits=tuple(_read_upload_limits(root)),
        local_media_lifetime=retention.duration("local_media_lifetime"),
        remote_media_lifetime=retention.duration("remote_media_lifetime"),
        prevent_media_downloads_from=_read_prevented(root),
        remote_media_download=RateLimit(
            root.size("remote_media_download_per_second", 87 << 10),
            root.size("remote_media_download_burst_count", 500 << 20),
        ),
        # An empty bound is none, as in Synapse.
        max_avatar_size=root.size("max_avatar_size", 0) or None,
        allowed_avatar_mimetypes=frozenset(root.strings("allowed_avatar_mimetypes") or ()) or None,
    )
    retention.finish()
    return media


def _duration(section: Section, key: str, default: int) -> int:
    value = section.duration(key, default)
    return default if value is None else value


def _read_thumbnail_sizes(root: Section) -> tuple[ThumbnailSize, ...]:
    key = "thumbnail_sizes"
    # An empty list is no sizes, and no list is those of the specification.
    if key not in root:
        root.accept(key)
        return THUMBNAIL_SIZES
    sizes = []
    for one in root.sections(key):
        width, height = (
            one.integer(side, 0, least=1, most=_SIDE_MAX) for side in ("width", "height")
        )
        if not width or not height:
            raise one.error("height" if width else "width", "is missing")
        sizes.append(ThumbnailSize(width, height, one.choice("method", "", ("crop", "scale"))))
        one.finish()
    return tuple(sizes)


def _read_upload_limits(root: Section) -> Iterator[UploadLimit]:
    for one in root.sections("media_upload_limits"):
        for key in ("time_period", "max_size"):
            if key not in one:
                raise one.error(key, "is missing")
        info_uri = one.string("info_uri")
        if info_uri is not None and not info_uri.startswith(("http://", "https://", "mailto:")):
            raise one.error("info_uri", "must be a URL")
        yield UploadLimit(
            _duration(one, "time_period", 0),
            one.size("max_size", 0),
            info_uri,
            one.boolean("can_upgrade", False),
        )
        one.finish()


def _read_prevented(root: Section) -> frozenset[str]:
    key = "prevent_media_downloads_from"
    names = root.strings(key) or []
    for place, name in enumerate(names):
        if not is_server_name(name):
            raise root.error(f"{key}[{place}]", f"is not a server name: {name!r}")
    return frozenset(names)
