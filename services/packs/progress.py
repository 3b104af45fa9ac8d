"""How far a pack came, as it is stored: a process that takes the pack over goes on there."""

from typing import Any

from msgspec import Struct, field

from services.packs.reports import Missing, PackFile


class Progress(Struct):
    """The state of a pack between two of its files.

    Args:
        numbers: The invoices whose PDFs are packed, in order; None before they were listed.
        credit_notes: Those of them that are credit notes.
        position: How many of them are sent or missing; of a pack without PDFs, how many files were sent.
        parts: How many files were sent.
        missing: The numbers that are not in the files, with the reason.
        files: The files that were sent.
        etags: The portal's ETag of each PDF that was sent, None where it sent none.
        is_rest: Whether the pack only has what an earlier one missed.
        attempts: How often the pack was begun.
    """

    numbers: list[str] | None = None
    credit_notes: list[str] = field(default_factory=list)
    position: int = 0
    parts: int = 0
    missing: list[tuple[str, Missing]] = field(default_factory=list)
    files: list[PackFile] = field(default_factory=list)
    etags: list[str | None] = field(default_factory=list)
    unread: int = 0
    left_off: int = 0
    is_rest: bool = False
    attempts: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {
            "numbers": self.numbers,
            "credit_notes": self.credit_notes,
            "position": self.position,
            "parts": self.parts,
            "missing": [[number, reason.value] for number, reason in self.missing],
            "files": [[file.name, list(file.caption), file.is_picture, file.file_id] for file in self.files],
            "etags": self.etags,
            "unread": self.unread,
            "left_off": self.left_off,
            "is_rest": self.is_rest,
            "attempts": self.attempts,
        }

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> "Progress":
        """Return the state of ``as_json``; one that was not begun for an empty dictionary."""
        missing = [(number, Missing(reason)) for number, reason in values.get("missing", [])]
        files = [
            PackFile(name, tuple(caption), is_picture, file_id=file_id)
            for name, caption, is_picture, file_id in values.get("files", [])
        ]
        return cls(**(values | {"missing": missing, "files": files}))

    def rest(self) -> "Progress":
        """Return the state of a pack that tries what is missing once more."""
        numbers = [number for number, _ in self.missing]
        return Progress(numbers, [number for number in numbers if number in self.credit_notes], is_rest=True)

    @property
    def count(self) -> int:
        """How many PDFs were sent."""
        return self.position - len(self.missing)

    @property
    def can_be_kept(self) -> bool:
        """Whether the files are all of the pack, and the portal can tell whether their PDFs are still the same."""
        return not (self.missing or self.is_rest or self.unread or None in self.etags)
