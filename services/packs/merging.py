"""Append PDFs to one PDF, which is written as it grows: only one of them is in memory.

pypdf's own writer keeps the objects of all pages until the end. Here each PDF's objects get new numbers, and are
written at once. What stays in memory is the number of each page and the place of each object (PDF 32000-1:2008, 7.5).
"""

import gc
from array import array
from io import BytesIO
from typing import Any, BinaryIO

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    NullObject,
    NumberObject,
    TextStringObject,
)

from services.packs.archives import PART_BYTES, Unusable

_CATALOG, _PAGES, _OUTLINES = 1, 2, 3
_FIRST_FREE = 4
_OBJECT_BYTES = 64
"""What an object of the table, of the page list and of the outline takes at the most, in bytes."""
_COLLECT_BYTES = 4_000_000
"""After so many bytes of PDFs their readers are collected: they refer to themselves, so nothing else frees them."""
_TREE_KEYS = ("/Parent", "/StructParents", "/B", "/Tabs")
"""Keys of a page that point into the document that it came from."""


class MergedPart:
    """A part that is one PDF, with a bookmark for each PDF in it."""

    def __init__(self, file: BinaryIO) -> None:
        self.count = 0
        self._file = file
        self._offsets = array("Q", [0] * _FIRST_FREE)
        self._pages: list[int] = []
        self._bookmarks: list[tuple[str, int]] = []
        self._uncollected = 0
        file.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def has_room(self, size: int) -> bool:
        """See ``Part``. A PDF whose objects were compressed together grows: it is counted twice where it is small."""
        end = _OBJECT_BYTES * (len(self._offsets) + len(self._pages) + 4 * len(self._bookmarks))
        return not self.count or self._file.tell() + end + size + min(size, 500_000) <= PART_BYTES

    def add(self, name: str, content: bytes) -> None:
        """See ``Part``."""
        begin, objects, pages = self._file.tell(), len(self._offsets), len(self._pages)
        try:
            self._append(content)
        except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            self._file.seek(begin)
            self._file.truncate()
            del self._offsets[objects:], self._pages[pages:]
            raise Unusable(type(error).__name__) from None
        self._uncollected += len(content)
        if self._uncollected > _COLLECT_BYTES:
            gc.collect(1)
            self._uncollected = 0
        self._bookmarks.append((name.removesuffix(".pdf"), self._pages[pages]))
        self.count += 1

    def finish(self) -> BinaryIO:
        """See ``Part``."""
        first = len(self._offsets)
        for position, (title, page) in enumerate(self._bookmarks):
            self._write(self._new_number(), self._bookmark(title, page, first, position))
        kids = ArrayObject([self._reference(page) for page in self._pages])
        count = NumberObject(len(self._pages))
        self._write(_PAGES, {"/Type": NameObject("/Pages"), "/Kids": kids, "/Count": count})
        ends = {"/First": self._reference(first), "/Last": self._reference(first + len(self._bookmarks) - 1)}
        shown = NumberObject(len(self._bookmarks))
        self._write(_OUTLINES, {"/Type": NameObject("/Outlines"), "/Count": shown, **ends})
        root = {"/Type": NameObject("/Catalog"), "/Pages": self._reference(_PAGES)}
        self._write(_CATALOG, root | {"/Outlines": self._reference(_OUTLINES), "/PageMode": NameObject("/UseOutlines")})
        self._write_table()
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """See ``Part``."""
        self._file.close()

    def _append(self, content: bytes) -> None:
        reader = PdfReader(BytesIO(content), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unusable("encrypted")
        pages = list(reader.pages)
        if not pages:
            raise Unusable("no pages")
        numbers: dict[tuple[int, int], int] = {}
        queue: list[tuple[int, Any]] = []
        for page in pages:
            number = self._new_number()
            if page.indirect_reference is not None:
                numbers[page.indirect_reference.idnum, page.indirect_reference.generation] = number
            queue.append((number, page))
            self._pages.append(number)
            for key in _TREE_KEYS:
                page.pop(key, None)
        while queue:
            number, found = queue.pop()
            self._renumber(reader, found, numbers, queue)
            if isinstance(found, DictionaryObject) and found.get("/Type") == "/Page" and number in self._pages:
                found[NameObject("/Parent")] = self._reference(_PAGES)
            self._write(number, found)

    def _renumber(
        self, reader: PdfReader, found: Any, numbers: dict[tuple[int, int], int], queue: list[tuple[int, Any]]
    ) -> None:
        """Replace the references in an object, at any depth, and queue the objects that they point to."""
        waiting = [found]
        while waiting:
            each = waiting.pop()
            if isinstance(each, DictionaryObject):
                items: list[tuple[Any, Any]] = list(each.items())
            elif isinstance(each, ArrayObject):
                items = list(enumerate(list.__iter__(each)))
            else:
                continue
            for key, value in items:
                if not isinstance(value, IndirectObject):
                    waiting.append(value)
                    continue
                old = value.idnum, value.generation
                if old not in numbers:
                    target = reader.get_object(value)
                    if target is None or _is_tree(target):
                        each[key] = NullObject()
                        continue
                    numbers[old] = self._new_number()
                    queue.append((numbers[old], target))
                each[key] = self._reference(numbers[old])

    def _bookmark(self, title: str, page: int, first: int, position: int) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "/Title": TextStringObject(title),
            "/Parent": self._reference(_OUTLINES),
            "/Dest": ArrayObject([self._reference(page), NameObject("/Fit")]),
        }
        if position:
            entry["/Prev"] = self._reference(first + position - 1)
        if position + 1 < len(self._bookmarks):
            entry["/Next"] = self._reference(first + position + 1)
        return entry

    def _new_number(self) -> int:
        self._offsets.append(0)
        return len(self._offsets) - 1

    def _reference(self, number: int) -> IndirectObject:
        return IndirectObject(number, 0, None)

    def _write(self, number: int, found: Any) -> None:
        if isinstance(found, dict) and not isinstance(found, DictionaryObject):
            found = DictionaryObject({NameObject(key): value for key, value in found.items()})
        self._offsets[number] = self._file.tell()
        self._file.write(b"%d 0 obj\n" % number)
        found.write_to_stream(self._file)
        self._file.write(b"\nendobj\n")

    def _write_table(self) -> None:
        begin = self._file.tell()
        self._file.write(b"xref\n0 %d\n0000000000 65535 f \n" % len(self._offsets))
        for offset in self._offsets[1:]:
            self._file.write(b"%010d 00000 n \n" % offset)
        self._file.write(b"trailer\n<< /Size %d /Root %d 0 R >>\n" % (len(self._offsets), _CATALOG))
        self._file.write(b"startxref\n%d\n%%%%EOF\n" % begin)


def _is_tree(found: Any) -> bool:
    """Return whether an object belongs to the page tree of its document, which is not taken over."""
    return isinstance(found, DictionaryObject) and found.get("/Type") in ("/Pages", "/Catalog")
