"""The parts of a workbook's archive, as they really are: looked at by one reader, and handed on by nobody else."""

import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from acts.importing.errors import ImportRefused

BYTES_LIMIT = 300_000_000
"""Of all parts that are read, as they really are and not as the archive says."""
PARTS_LIMIT = 1_000
_PIECE = 65_536
_END, _END_BYTES = b"PK\x05\x06", 22
_LONGEST_COMMENT = 65_535
_INSTEAD = "Save it as CSV, or split it."
_DEFLATED, _STORED = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED


def refusal(path: Path, what: str) -> ImportRefused:
    return ImportRefused(f"The workbook {path.name} {what}. {_INSTEAD}")


class Archive:
    """An open archive.

    Raises: ImportRefused for one that two readers could read in two ways, or that comes to more than it says.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bytes = 0
        self._raw = path.open("rb")
        try:
            _look_at_end(path, self._raw)
            with zipfile.ZipFile(self._raw) as book:
                parts = book.infolist()
            self._look_at_parts(parts)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
            self._raw.close()
            raise ImportRefused(f"{path.name} cannot be read as a workbook: {error}.") from None
        except ImportRefused:
            self._raw.close()
            raise
        self._parts = {each.filename: each for each in parts}

    def close(self) -> None:
        self._raw.close()

    @property
    def names(self) -> list[str]:
        return list(self._parts)

    def has(self, name: str) -> bool:
        return name in self._parts

    def position(self) -> int:
        """How far the reading is. Units: bytes of the file."""
        return 0 if self._raw.closed else self._raw.tell()

    def pieces(self, name: str) -> Iterator[bytes]:
        """What a part really holds: the archive may say what it likes of its length.

        Raises: ImportRefused.
        """
        part = self._parts[name]
        size = 0
        try:
            for piece in _inflated(self._raw, part):
                size += len(piece)
                self._bytes += len(piece)
                if size > part.file_size or self._bytes > BYTES_LIMIT:
                    raise refusal(self._path, f"comes to more than it says, or than {BYTES_LIMIT:,} bytes")
                yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise ImportRefused(f"{self._path.name} cannot be read as a workbook: {name}: {error}.") from None

    def begin_again(self) -> None:
        """Count anew what is read: a sheet is looked through before its rows are taken."""
        self._bytes = 0

    def copied(self) -> bytes:
        """An archive of one's own with the same parts, for a reader of another make.

        Cost: all parts in memory.
        """
        target = BytesIO()
        with zipfile.ZipFile(target, "w", _STORED) as book:
            for name in self._parts:
                with book.open(zipfile.ZipInfo(name), "w") as part:
                    for piece in self.pieces(name):
                        part.write(piece)
        return target.getvalue()

    def _look_at_parts(self, parts: list[zipfile.ZipInfo]) -> None:
        if len(parts) > PARTS_LIMIT:
            raise refusal(self._path, f"has {len(parts):,} parts; {PARTS_LIMIT:,} are the most")
        if len({each.filename for each in parts}) != len(parts):
            raise refusal(self._path, "has two parts of one name")
        reached = 0
        for part in sorted(parts, key=lambda each: each.header_offset):
            if part.header_offset < reached:
                raise refusal(self._path, "has parts that lie over each other")
            reached = part.header_offset + part.compress_size
            if part.flag_bits & 1 or part.compress_type not in (_DEFLATED, _STORED):
                raise refusal(self._path, "is encrypted or packed in a way that workbooks are not")


def _look_at_end(path: Path, raw: BinaryIO) -> None:
    """Raises: ImportRefused where another reader could find another archive in the file."""
    size = path.stat().st_size
    raw.seek(max(0, size - _END_BYTES - _LONGEST_COMMENT))
    tail = raw.read()
    at = tail.rfind(_END)
    if at < 0:
        raise zipfile.BadZipFile("it has no end of an archive")
    end = tail[at : at + _END_BYTES]
    comment = int.from_bytes(end[20:22], "little")
    directory = int.from_bytes(end[12:16], "little") + int.from_bytes(end[16:20], "little")
    place = size - len(tail) + at
    if len(end) < _END_BYTES or place + _END_BYTES + comment != size or directory != place:
        raise refusal(path, "is more than one archive, or the end of its archive is not the end of the file")


def _inflated(file: BinaryIO, part: zipfile.ZipInfo) -> Iterator[bytes]:
    file.seek(part.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile("a part is not where the archive says")
    name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    place = part.header_offset + 30 + name + extra
    left = part.compress_size
    inflate = zlib.decompressobj(-15) if part.compress_type == _DEFLATED else None
    while left > 0:
        # Two parts may be read at once.
        file.seek(place)
        packed = file.read(min(_PIECE, left))
        if not packed:
            raise EOFError("a part ends before it should")
        place += len(packed)
        left -= len(packed)
        if inflate is None:
            yield packed
            continue
        while packed and not inflate.eof:
            yield inflate.decompress(packed, _PIECE)
            packed = inflate.unconsumed_tail
    if inflate is not None and not inflate.eof:
        yield inflate.flush()
