"""What the small server answers with where files are tested: the real path of a request, with
operations that need no database."""

import os
from pathlib import Path

from impl.app import App
from impl.config import Config
from impl.received_file import ReceivedFile
from impl.services.media.content import Content, FederatedContent
from impl.storage.worker_page import WorkerPage
from impl.web import path_tree
from impl.web.application import Application
from impl.web.route import Route
from tests import builders

CLIENT = frozenset({"client"})
# Beside the media: what is downloaded.
FILE = "file"


def make(config: Config, slot: int) -> Application:
    """In a worker, whose slot it is."""
    page = config.media_store_path.parent / f"page-{slot}"
    WorkerPage.create(page, slot + 1)
    app = App(config, "", builders.a_signing_key(), WorkerPage(page, slot))
    root = path_tree.Node()
    for path, function in (
        ("/file", _file),
        ("/lost", _lost),
        ("/parts", _parts),
        ("/worker", _worker),
    ):
        path_tree.add(root, path, Route(path, "", "GET", path, function, CLIENT))
    route = Route("upload", "", "POST", "/upload", _upload, CLIENT, takes_file=True)
    path_tree.add(root, "/upload", route)
    return Application(app, root)


def _upload(app: App, body: ReceivedFile) -> dict[str, object]:
    return {
        "size": body.size,
        "sha256": body.sha256.hex(),
        "content_type": body.content_type,
        "on_disk": body.path.stat().st_size,
    }


def _file(app: App) -> Content:
    path = _path(app)
    return Content(path.open("rb"), path.stat().st_size, "video/mp4", "a film.mp4")


def _lost(app: App) -> Content:
    """One of which the disk has lost the end."""
    path = _path(app)
    return Content(path.open("rb"), path.stat().st_size + 1, "video/mp4")


def _parts(app: App) -> FederatedContent:
    return FederatedContent(_file(app))


def _worker(app: App) -> dict[str, object]:
    """How much memory the worker has had at most since it was last asked, and which files are open
    or on their way.
    """
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    Path("/proc/self/clear_refs").write_text("5")
    links = [_target(entry) for entry in Path("/proc/self/fd").iterdir()]
    incoming = app.config.media_store_path / "incoming"
    return {
        "pid": os.getpid(),
        "peak_kib": int(peak.split()[1]),
        "open": links.count(str(_path(app))),
        "incoming": len(list(incoming.iterdir())) if incoming.exists() else 0,
    }


def _path(app: App) -> Path:
    return app.config.media_store_path.parent / FILE


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:
        return ""
