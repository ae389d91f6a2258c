"""What is answered when a file is asked for: web/ makes headers and bytes of it."""

from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Content:
    """A file, or a smaller form of it. It is open: it may be deleted while it is sent. Whoever has
    sent it closes it.
    """

    file: BinaryIO
    size: int
    content_type: str
    file_name: str | None = None


@dataclass(frozen=True, slots=True)
class FederatedContent:
    """The same as it is sent to another server: S-S API, "Content Repository"."""

    content: Content
