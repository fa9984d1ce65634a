"""What happens inside a room: a map is read, the rows of a file are read and mapped."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from acts.importing.errors import ImportRefused
from acts.importing.joining import joined
from acts.importing.map_file import map_from, map_unchecked, parsed_toml, recipes_of
from acts.importing.mapping import ImportMap
from acts.importing.readers import open_source
from acts.importing.reading import row_words
from acts.importing.rows import MappedRow, RefusedRow, RowMapper
from acts.importing.sizes import cut, size_of
from catalogue.attribute import Attribute
from catalogue.catalogue import Catalogue
from catalogue.rules import is_risky

BATCH_SIZE = 8_000_000
"""Units: about characters, so that a thousand long rows do not fill the memory."""
CELLS_KEPT = 10_000
"""Of a row that cannot be read."""
Steps = Generator[Any, Mapping[str, Any], None]


def read_map(given: Mapping[str, Any]) -> Steps:
    """One answer: the map as an object, whatever it came as.

    Raises: ImportRefused.
    """
    toml, mapping = given["toml"], given["mapping"]
    plain = mapping if toml is None else parsed_toml(toml)
    refuse_in_job(map_from(plain))
    yield plain


def refuse_in_job(given: ImportMap) -> None:
    """Raises: ImportRefused for what could hold up a worker, or lead out of the file."""
    if given.join is not None:
        raise ImportRefused(
            "A map with [join] needs a second file, and an import as a job has one. Join them first, or use the "
            "command kehu import clients.",
            path=("map",),
        )
    for where, recipe in recipes_of(given):
        if recipe.match is not None and is_risky(recipe.match):
            raise ImportRefused(
                f"{where} takes as match a short regular expression without nested repeats, look-arounds or "
                f'back-references; got "{recipe.match[:200]}", which could take minutes on a hostile text.',
                path=("map",),
            )


def read_rows(given: Mapping[str, Any]) -> Steps:
    """First what is known of the file, then batch by batch its rows; an empty batch is the end.

    Raises: ImportRefused.
    """
    path, found = Path(given["path"]), map_unchecked(given["map"])
    catalogue = Catalogue(Attribute.model_validate(each) for each in given["attributes"])
    with open_source(path, found.read) as source:
        if found.join is not None:
            source = joined(source, found.join, path.parent)
        mapper = RowMapper(found, source, catalogue)
        asked = yield {
            "headers": source.own_headers,
            "total": source.total,
            "unit": source.unit,
            "line_word": source.line_word,
            "unused": mapper.unused,
            "left_out": mapper.left_out,
        }
        skip, most = asked["skip"], asked["mostRows"]
        for batch in _batches(mapper, mapper.rows(islice(source.records, skip, None), first=skip + 1), most):
            yield {"rows": batch, "position": source.position(), "unmatched": source.unmatched()}
        while True:
            yield {"rows": [], "position": source.position(), "unmatched": source.unmatched()}


def _batches(mapper: RowMapper, rows: Iterable[MappedRow | RefusedRow], most: int) -> Iterator[list[list[Any]]]:
    """The rows in parts that fit into memory and into a command; the same rows make the same parts."""
    batch: list[list[Any]] = []
    size = 0
    for row in rows:
        texts = mapper.texts(row.record)
        if isinstance(row, RefusedRow):
            texts = [cut(each) for each in texts[:CELLS_KEPT]]
        batch.append(row_words(row, texts))
        size += sum(map(len, texts)) + (size_of(row.values) if isinstance(row, MappedRow) else 0)
        if len(batch) == most or size > BATCH_SIZE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
