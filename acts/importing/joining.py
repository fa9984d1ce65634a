"""A second file beside the first: its columns stand to the right as "join.NAME"."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from acts.importing.cells import text_from
from acts.importing.columns import index_of
from acts.importing.errors import ImportRefused, Unreadable
from acts.importing.mapping import JoinSettings
from acts.importing.readers import open_source
from acts.importing.source import ABSENT, ERRORS, BadCell, Record, Source

PREFIX = "join."


class _Unmatched:
    """How many rows found no partner."""

    def __init__(self) -> None:
        self.rows = 0

    def count(self) -> int:
        return self.rows


def joined(source: Source, settings: JoinSettings, beside: Path) -> Source:
    """The source with the columns of the second file, matched by a key; rows without a partner keep them absent.

    Raises: ImportRefused where a key column is missing, a row cannot be read, or a key stands twice.
    Cost: the second file in memory.
    """
    place = index_of(settings.on, source.headers, "[join] on")
    headers, partners = _partners(settings, beside / settings.file)
    unmatched = _Unmatched()
    none = (ABSENT,) * len(headers)

    def records() -> Iterator[Record]:
        for line, cells, fault in source.records:
            if fault:
                yield Record(line, cells, fault)
                continue
            try:
                key = _key(cells[place])
            except Unreadable as error:
                yield Record(line, cells, f"[join] {settings.on} {error}")
                continue
            partner = partners.get(key)
            unmatched.rows += partner is None
            yield Record(line, [*cells, *(none if partner is None else partner)])

    return Source(
        headers=(*source.headers, *(PREFIX + header for header in headers)),
        records=records(),
        total=source.total,
        unit=source.unit,
        position=source.position,
        line_word=source.line_word,
        joined=len(headers),
        unmatched=unmatched.count,
        close=source.close,
    )


def _partners(settings: JoinSettings, path: Path) -> tuple[tuple[str, ...], dict[str, Sequence[object]]]:
    partners: dict[str, Sequence[object]] = {}
    with open_source(path, settings) as second:
        place = index_of(settings.key or settings.on, second.headers, f"[join] key of {path.name}")
        for line, cells, fault in second.records:
            where = f"{second.line_word} {line} of {path.name}"
            if fault:
                raise ImportRefused(f"The second file cannot be used: {where}: {fault}.")
            try:
                key = _key(cells[place])
            except Unreadable as error:
                raise ImportRefused(f"The second file cannot be used: {where}: the key {error}.") from None
            if key in partners:
                raise ImportRefused(
                    f'The second file cannot be used: {where} has the key "{key}" of an earlier line; '
                    "keys must differ, or it would be chance which row is taken."
                )
            if key:
                partners[key] = cells
        return second.headers, partners


def _key(cell: object) -> str:
    """Raises: Unreadable for what is no key, such as an error of a spreadsheet."""
    if isinstance(cell, BadCell) or (isinstance(cell, str) and cell.strip() in ERRORS):
        raise Unreadable(f"takes a key; got {getattr(cell, 'words', cell)}")
    return "" if cell is None or cell is ABSENT else text_from(cell).strip()
