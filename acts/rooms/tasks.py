"""What is done in rooms, by name."""

from collections.abc import Callable, Generator, Mapping
from typing import Any

from acts.importing.in_room import read_map, read_rows
from acts.importing.reading import MAP, ROWS
from acts.models.in_room import check_model, run_model
from acts.models.rooms import CHECK, RUN

TASKS: Mapping[str, Callable[[Mapping[str, Any]], Generator[Any, Mapping[str, Any], None]]] = {
    MAP: read_map,
    ROWS: read_rows,
    CHECK: check_model,
    RUN: run_model,
}
