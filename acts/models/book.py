"""The demonstration book as columns of numbers to train on, with outcomes that are drawn from what the book says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acts.demo_book import DemoClient, demo_clients, demo_managers
from acts.demo_draw import REFERENCE
from acts.models.columns import days_from
from acts.models.fitting import Numbers

OUTCOME_SEED = 20261122


@dataclass(frozen=True, slots=True)
class Book:
    """One column a path, one row a client; NaN and "" are unset."""

    rows: list[DemoClient]

    def numbers(self, path: str) -> Numbers:
        return np.asarray([_number(_at(each["values"], path)) for each in self.rows], dtype=np.float64)

    def texts(self, path: str) -> NDArray[np.str_]:
        """The kind or the stage of each client."""
        return np.asarray([each["kind"] if path == "kind" else each["stage"] for each in self.rows])

    def where(self, chosen: NDArray[np.bool_]) -> "Book":
        return Book([row for row, is_chosen in zip(self.rows, chosen, strict=True) if is_chosen])

    def happened(self, path: str) -> Numbers:
        """Whether what the chance at a path says came to pass in the year after: 0, 1, or NaN where there is no chance.

        The book is invented, and so are its outcomes: a model trained on it has learnt what the book was made from.
        """
        chance = self.numbers(path)
        drawn = np.random.default_rng(OUTCOME_SEED).random(len(chance))
        return np.where(np.isnan(chance), np.nan, (drawn < chance).astype(np.float64))


def read_book(clients: int) -> Book:
    """The first clients of the demonstration book."""
    return Book(list(demo_clients(clients, demo_managers())))


def today() -> float:
    """The day the book was written on, as models count days."""
    return days_from(REFERENCE)


def _at(values: Mapping[str, Any], path: str) -> object:
    found: object = values
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _number(value: object) -> float:
    if value is None:
        return float("nan")
    return days_from(value) if isinstance(value, date | datetime) else float(str(value))
