"""The CDNOW sample, as the package `lifetimes` carries it: 2,357 customers of a music shop, of whom the papers tell."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from acts.models.bgnbd import Numbers, Purchases

CALIBRATION_ENDS = date(1997, 9, 30)
HOLDOUT_ENDS = date(1998, 6, 30)


@dataclass(frozen=True, slots=True)
class Cdnow:
    """The sample, cut at the end of week 39."""

    known: Purchases
    amount: Numbers
    """Mean amount of the repeated purchases up to the cut. Units: US dollars."""
    later: Numbers
    """Purchases in weeks 40 to 78."""


def data_folder() -> Path | None:
    """Where the files of `lifetimes` lie, or None; the package is not imported, so what it imports is not needed."""
    found = find_spec("lifetimes")
    return None if found is None or found.origin is None else Path(found.origin).parent / "datasets"


def read_sample(folder: Path) -> Cdnow:
    """Purchases by customer, several on one day being one.

    Units: weeks are seven days, counted from a customer's first purchase.
    """
    rows = list(_rows(folder))
    known = Purchases(*(np.asarray(each, dtype=np.float64) for each in zip(*(row[:3] for row in rows), strict=True)))
    return Cdnow(known, np.asarray([row[3] for row in rows]), np.asarray([float(row[4]) for row in rows]))


def _rows(folder: Path) -> Iterator[tuple[float, float, float, float, int]]:
    for days in _by_customer(folder / "CDNOW_sample.txt").values():
        dates = sorted(days)
        first = dates[0]
        repeated = [each for each in dates[1:] if each <= CALIBRATION_ENDS]
        recency = (repeated[-1] - first).days / 7 if repeated else 0.0
        amount = sum(days[each] for each in repeated) / len(repeated) if repeated else 0.0
        later = sum(CALIBRATION_ENDS < each <= HOLDOUT_ENDS for each in dates)
        yield float(len(repeated)), recency, (CALIBRATION_ENDS - first).days / 7, amount, later


def _by_customer(path: Path) -> dict[str, dict[date, float]]:
    found: dict[str, dict[date, float]] = {}
    with path.open(encoding="ascii") as lines:
        for _, customer, day, _, amount in csv.reader(lines, delimiter=" ", skipinitialspace=True):
            days = found.setdefault(customer, {})
            on = date.fromisoformat(day)
            days[on] = days.get(on, 0.0) + float(amount)
    return found
