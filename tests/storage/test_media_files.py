"""Where the bytes of files are put, and that they are gone when they are deleted."""

from pathlib import Path

import pytest

from impl.received_file import ReceivedFile
from impl.storage import media_files
from impl.storage.media_files import MediaFiles

SERVER = "soma.test"


@pytest.fixture
def files(tmp_path: Path) -> MediaFiles:
    return MediaFiles(tmp_path / "media", SERVER)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The directories that are written to the disk."""
    seen: list[Path] = []
    sync = media_files._sync_directory

    def noting(directory: Path) -> None:
        seen.append(directory)
        sync(directory)

    monkeypatch.setattr(media_files, "_sync_directory", noting)
    return seen


def keep(files: MediaFiles, path: Path) -> None:
    with ReceivedFile(files.incoming, 100) as received:
        received.write(b"x")
        received.finish()
        files.keep(received, path)
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("origin", [SERVER, "other.test"])
def test_directories_are_synced_that_hold_something_new(
    files: MediaFiles, synced: list[Path], origin: str
) -> None:
    def keep_and_see(file_id: str) -> list[str]:
        path = files.path(origin, file_id)
        synced.clear()
        keep(files, path)
        return [str(directory.relative_to(files.root)) for directory in synced]

    top = "local_content" if origin == SERVER else "remote_content"
    pieces = [top] if origin == SERVER else [top, f"{top}/{origin}"]
    own = pieces[-1]
    assert keep_and_see("abcdefg") == [".", *pieces, f"{own}/ab", f"{own}/ab/cd"]
    assert keep_and_see("abcdxyz") == [f"{own}/ab/cd"]
    assert keep_and_see("abxyzzz") == [f"{own}/ab", f"{own}/ab/xy"]


def test_what_another_worker_has_made_is_synced_once(files: MediaFiles, synced: list[Path]) -> None:
    keep(files, files.path(SERVER, "abcdefg"))
    other = MediaFiles(files.root, SERVER)
    synced.clear()
    keep(other, other.path(SERVER, "abcd123"))
    leaf = files.path(SERVER, "abcdefg").parent
    assert synced == [files.root, leaf.parent.parent, leaf.parent, leaf]
    synced.clear()
    keep(other, other.path(SERVER, "abcd456"))
    assert synced == [leaf]


def test_a_directory_that_somebody_has_deleted_is_made_again(files: MediaFiles) -> None:
    path = files.thumbnail_path(SERVER, "abcdefg", 32, 32, "image/png", "crop", False)
    keep(files, path)
    files.delete(SERVER, "abcdefg")
    assert not path.parent.exists()
    keep(files, path)


def test_only_so_many_directories_are_remembered(
    files: MediaFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_files, "_LASTING_MAX", 3)
    for number in range(10):
        keep(files, files.path(SERVER, f"a{number}bcd{number}"))
        assert len(files._lasting) <= 3


def test_a_smaller_form_that_the_disk_does_not_let_go_is_no_success(
    files: MediaFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.thumbnail_path(SERVER, "abcdefg", 32, 32, "image/png", "crop", False)
    keep(files, path)

    def stuck(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(media_files.shutil.os, "unlink", stuck)
        with pytest.raises(PermissionError):
            files.delete(SERVER, "abcdefg")
    files.delete(SERVER, "abcdefg")
    assert not path.exists()
    # There need not be any.
    files.delete(SERVER, "abcdefg")
