"""The keys of the content repository: Synapse's defaults, what is read, what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from impl.config import Config, ConfigError, RateLimit, load
from impl.config.media import THUMBNAIL_SIZES, Media, ThumbnailSize, UploadLimit

Load = Callable[[str], tuple[Config, list[str]]]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    def load_it(text: str) -> tuple[Config, list[str]]:
        path = tmp_path / "homeserver.yaml"
        path.write_text("server_name: soma.test\n" + text)
        return load(path)

    return load_it


@pytest.mark.parametrize(
    "text", ["", "media_retention:\nmedia_upload_limits: []\nthumbnail_sizes:\n"]
)
def test_the_defaults_are_synapses(load_text: Load, text: str) -> None:
    config, warnings = load_text(text)
    assert warnings == []
    assert config.media == Media(
        max_image_pixels=33_554_432,
        dynamic_thumbnails=False,
        thumbnail_sizes=THUMBNAIL_SIZES,
        enable_authenticated_media=True,
        max_pending_media_uploads=5,
        unused_expiration_time=86_400_000,
        media_upload_limits=(),
        local_media_lifetime=None,
        remote_media_lifetime=None,
        prevent_media_downloads_from=frozenset(),
        remote_media_download=RateLimit(89_088, 524_288_000),
        max_avatar_size=None,
        allowed_avatar_mimetypes=None,
    )
    assert config.max_upload_size == 52_428_800


def test_all_of_it(load_text: Load) -> None:
    config, warnings = load_text(
        """
enable_media_repo: true
max_upload_size: 60M
max_image_pixels: 35M
dynamic_thumbnails: true
thumbnail_sizes:
  - {width: 64, height: 48, method: crop}
  - {width: 1600, height: 1200, method: scale}
enable_authenticated_media: false
max_pending_media_uploads: 3
unused_expiration_time: 1h
media_upload_limits:
  - {time_period: 1h, max_size: 100M}
  - {time_period: 1w, max_size: 500M, info_uri: "https://soma.test/quota", can_upgrade: true}
media_retention: {local_media_lifetime: 90d, remote_media_lifetime: 14d}
prevent_media_downloads_from: [evil.example.org, evil2.example.org]
remote_media_download_per_second: 40K
remote_media_download_burst_count: 200M
max_avatar_size: 10M
allowed_avatar_mimetypes: [image/png, image/jpeg, image/gif]
"""
    )
    assert warnings == []
    assert config.max_upload_size == 60 << 20
    assert config.media == Media(
        max_image_pixels=35 << 20,
        dynamic_thumbnails=True,
        thumbnail_sizes=(ThumbnailSize(64, 48, "crop"), ThumbnailSize(1600, 1200, "scale")),
        enable_authenticated_media=False,
        max_pending_media_uploads=3,
        unused_expiration_time=3_600_000,
        media_upload_limits=(
            UploadLimit(3_600_000, 100 << 20),
            UploadLimit(7 * 86_400_000, 500 << 20, "https://soma.test/quota", True),
        ),
        local_media_lifetime=90 * 86_400_000,
        remote_media_lifetime=14 * 86_400_000,
        prevent_media_downloads_from=frozenset({"evil.example.org", "evil2.example.org"}),
        remote_media_download=RateLimit(40 << 10, 200 << 20),
        max_avatar_size=10 << 20,
        allowed_avatar_mimetypes=frozenset({"image/png", "image/jpeg", "image/gif"}),
    )


def test_an_empty_list_of_sizes_is_none_and_an_empty_bound_of_avatars_no_bound(
    load_text: Load,
) -> None:
    config, _ = load_text(
        "thumbnail_sizes: []\nmax_avatar_size: 0\nallowed_avatar_mimetypes: []\n"
        "media_retention: {local_media_lifetime: null}\n"
    )
    assert config.media.thumbnail_sizes == ()
    assert config.media.max_avatar_size is None
    assert config.media.allowed_avatar_mimetypes is None
    assert config.media.local_media_lifetime is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("max_image_pixels: many", "max_image_pixels must be a size"),
        ("dynamic_thumbnails: 1", "dynamic_thumbnails must be true or false"),
        ("thumbnail_sizes: 32", "thumbnail_sizes must be a list"),
        ("thumbnail_sizes: [32]", r"thumbnail_sizes\[0\] must be a mapping"),
        (
            "thumbnail_sizes: [{height: 1, method: crop}]",
            r"thumbnail_sizes\[0\].width is missing",
        ),
        (
            "thumbnail_sizes: [{width: 1, method: crop}]",
            r"thumbnail_sizes\[0\].height is missing",
        ),
        (
            "thumbnail_sizes: [{width: 0, height: 1, method: crop}]",
            r"thumbnail_sizes\[0\].width must be from 1 to 10000",
        ),
        (
            "thumbnail_sizes: [{width: 1, height: 1}]",
            r"thumbnail_sizes\[0\].method must be one of crop, scale",
        ),
        (
            "thumbnail_sizes: [{width: 1, height: 1, method: cut}]",
            r"thumbnail_sizes\[0\].method must be one of crop, scale",
        ),
        ("enable_authenticated_media: 'no'", "enable_authenticated_media must be true or false"),
        ("max_pending_media_uploads: -1", "max_pending_media_uploads must be from 0"),
        ("unused_expiration_time: soon", "unused_expiration_time must be a duration"),
        (
            "media_upload_limits: [{max_size: 1}]",
            r"media_upload_limits\[0\].time_period is missing",
        ),
        (
            "media_upload_limits: [{time_period: 1h}]",
            r"media_upload_limits\[0\].max_size is missing",
        ),
        (
            "media_upload_limits: [{time_period: 1h, max_size: 1, info_uri: here}]",
            r"media_upload_limits\[0\].info_uri must be a URL",
        ),
        ("media_retention: 1d", "media_retention must be a mapping"),
        (
            "media_retention: {remote_media_lifetime: x}",
            "media_retention.remote_media_lifetime must be a duration",
        ),
        (
            "prevent_media_downloads_from: [a.test, 'a b']",
            r"prevent_media_downloads_from\[1\] is not a server name",
        ),
        ("remote_media_download_per_second: fast", "remote_media_download_per_second must be a"),
        ("remote_media_download_burst_count: -1", "remote_media_download_burst_count must be a"),
        ("max_avatar_size: big", "max_avatar_size must be a size"),
        ("allowed_avatar_mimetypes: image/png", "allowed_avatar_mimetypes must be a list"),
    ],
)
def test_what_is_refused_is_named(load_text: Load, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_text(text + "\n")


def test_what_is_not_known_is_named(load_text: Load) -> None:
    _, warnings = load_text(
        "thumbnail_sizes: [{width: 1, height: 1, method: crop, animated: true}]\n"
        "media_upload_limits: [{time_period: 1h, max_size: 1, soft: true}]\n"
        "media_retention: {lifetime: 1d}\nurl_preview_enabled: true\n"
    )
    assert sorted(warnings) == [
        "media_retention.lifetime is not a key that Soma knows: it is ignored",
        "media_upload_limits[0].soft is not a key that Soma knows: it is ignored",
        "thumbnail_sizes[0].animated is not a key that Soma knows: it is ignored",
        "url_preview_enabled is a key of Synapse's that Soma does not support yet: it is ignored",
    ]
