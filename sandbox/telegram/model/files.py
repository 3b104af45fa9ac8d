"""Stored files: contents, identifiers, and Telegram's errors for wrong identifiers."""

import base64
import hashlib
import mimetypes
import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.telegram.errors import bad_request

FOLDERS = {"Document": "documents", "Photo": "photos", "Voice": "voice", "Sticker": "stickers", "Video": "videos"}
PREFIX = {"Document": "BQACAgEAAx", "Photo": "AgACAgEAAx", "Voice": "AwACAgEAAx", "Sticker": "CAACAgEAAx"}


@dataclass(slots=True)
class StoredFile:
    """One file. `kind` is Document, Photo, Voice or Sticker. `size` may be larger than the content."""

    number: int
    kind: str
    name: str
    mime_type: str
    content: bytes = field(repr=False)
    unique_id: str
    size: int

    @property
    def path(self) -> str:
        """The path that getFile returns."""
        extension = self.name.rpartition(".")[2] if "." in self.name else "bin"
        return f"{FOLDERS[self.kind]}/file_{self.number}.{extension}"

    def json(self, file_id: str) -> dict[str, Any]:
        """Return the fields that all file objects of the Bot API share."""
        return {"file_id": file_id, "file_unique_id": self.unique_id, "file_size": self.size}


def clean_name(name: str) -> str:
    """Return a file name without folders and control characters, as Telegram stores it."""
    return re.sub(r"[\x00-\x1f]", "", name).replace("\\", "/").rpartition("/")[2].strip() or "document"


def guessed_type(name: str, given: str = "") -> str:
    """Return the media type by the extension, else the one that the client sent, as Telegram does."""
    return mimetypes.guess_type(name)[0] or given or "application/octet-stream"


class FileStore:
    """All files. A `file_id` is valid for one bot only."""

    def __init__(self) -> None:
        self._count = 0
        self._files: dict[int, StoredFile] = {}
        self._ids: dict[str, tuple[int, int]] = {}  # file_id -> (bot, file)
        self._paths: dict[str, int] = {}

    def add(self, kind: str, name: str, content: bytes, mime_type: str = "", size: int | None = None) -> StoredFile:
        """Store a file. `size` claims another size than the content's, such as 30 MB without 30 MB of memory."""
        self._count += 1
        name = clean_name(name)
        unique_id = _token(f"unique {self._count}", 10)
        file = StoredFile(
            self._count,
            kind,
            name,
            guessed_type(name, mime_type),
            content,
            f"AgAD{unique_id}",
            len(content) if size is None else size,
        )
        self._files[file.number] = file
        self._paths[file.path] = file.number
        return file

    def id_for(self, file: StoredFile, bot_id: int) -> str:
        """Return the `file_id` of a file for a bot."""
        file_id = PREFIX[file.kind] + _token(f"{bot_id} {file.number}", 42)
        self._ids[file_id] = (bot_id, file.number)
        return file_id

    def find(self, file_id: str, bot_id: int) -> StoredFile:
        """Return the file of a `file_id`.

        Raises:
            ApiError: 400, the id is unknown or another bot's.
        """
        owner, number = self._ids.get(file_id, (0, 0))
        if owner != bot_id:
            raise bad_request(f"Wrong remote file identifier specified: {_what_is_wrong(file_id)}")
        return self._files[number]

    def at_path(self, path: str) -> StoredFile | None:
        """Return the file of a path from getFile, or None."""
        return self._files.get(self._paths.get(path, 0))


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Return the width and height of a PNG; None for anything else."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n") or len(content) < 24:
        return None
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _what_is_wrong(file_id: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_\-=]*", file_id):
        return "Wrong character in the string"
    if len(file_id.rstrip("=")) % 4 == 1:
        return "Wrong string length"
    if len(file_id.rstrip("=")) % 4 and len(file_id) < 10:
        return "Wrong padding in the string"
    return "can't unserialize it. Wrong last symbol"


def _token(seed: str, length: int) -> str:
    digest = hashlib.sha256(seed.encode()).digest() + hashlib.sha256(seed[::-1].encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[:length]
