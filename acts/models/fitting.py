"""Logistic regressions, scorecards and quantiles, fitted; and how well they tell the ones from the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rankdata

Numbers = NDArray[np.float64]
POINTS_TO_DOUBLE = 40.0
"""Points that double the odds of no default."""
BASE_POINTS, BASE_ODDS = 600.0, 50.0
"""600 points stand for odds of 50 to 1."""
_PSEUDO = 0.5
"""What is added to each count, so that a bin without a default has a finite weight."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression on standardised columns; a missing number counts as the median of its column."""

    intercept: float
    weights: Numbers
    medians: Numbers
    means: Numbers
    scales: Numbers

    def chance(self, columns: Numbers) -> Numbers:
        """The chance of each row. Shape: rows by columns in, rows out."""
        filled = np.where(np.isnan(columns), self.medians, columns)
        return np.asarray(expit((filled - self.means) / self.scales @ self.weights + self.intercept), dtype=np.float64)


def fit_logistic(columns: Numbers, happened: Numbers, penalty: float = 1.0) -> Logistic:
    """The regression of greatest likelihood less the penalty on the squares of its weights.

    Raises: ValueError if everything happened, or nothing.
    """
    _require_both(happened)
    medians = np.nanmedian(columns, axis=0)
    filled = np.where(np.isnan(columns), medians, columns)
    means, scales = filled.mean(axis=0), filled.std(axis=0)
    scales[scales == 0] = 1.0
    standard = (filled - means) / scales

    def loss(given: Numbers) -> tuple[float, Numbers]:
        odds = standard @ given[1:] + given[0]
        missed = expit(odds) - happened
        value = float(np.sum(np.logaddexp(0.0, odds) - happened * odds) + penalty / 2 * np.sum(given[1:] ** 2))
        return value, np.concatenate(([missed.sum()], standard.T @ missed + penalty * given[1:]))

    found = minimize(loss, np.zeros(columns.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return Logistic(float(found.x[0]), np.asarray(found.x[1:]), medians, means, scales)


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One line of a scorecard: bounds of its bins, and the points of each bin and of an unknown value."""

    name: str
    bounds: tuple[float, ...]
    """A value is in the bin after the last bound that it reaches."""
    points: tuple[int, ...]
    missing: int

    def of(self, values: Numbers) -> Numbers:
        place = np.searchsorted(np.asarray(self.bounds), values, side="right")
        points = np.asarray(self.points, dtype=np.float64)[np.minimum(place, len(self.points) - 1)]
        return np.where(np.isnan(values), float(self.missing), points)


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Points that add up; more points, less risk."""

    base: int
    characteristics: tuple[Characteristic, ...]

    def score(self, columns: Mapping[str, Numbers]) -> Numbers:
        """Points of each row, from 0 to 1000."""
        total = sum((each.of(columns[each.name]) for each in self.characteristics), np.float64(self.base))
        return np.clip(total, 0.0, 1000.0)


def fit_scorecard(
    columns: Mapping[str, Numbers],
    happened: Numbers,
    given: Mapping[str, tuple[float, ...]] | None = None,
    bins: int = 5,
) -> Scorecard:
    """A scorecard from weights of evidence, scaled by a logistic regression.

    Bins hold about as many rows each, but for columns whose bounds are given; those that break the trend of their
    column are joined, so that more debt never brings more points.
    Source: Siddiqi (2006), Credit Risk Scorecards, chapter 6.
    Raises: ValueError if everything happened, or nothing.
    """
    _require_both(happened)
    first = {name: (given or {}).get(name) or _bounds(values, bins) for name, values in columns.items()}
    bounds = {name: _steady(values, happened, first[name]) for name, values in columns.items()}
    evidence = {name: _evidence(values, happened, bounds[name]) for name, values in columns.items()}
    weighed = np.column_stack([_placed(columns[name], bounds[name], evidence[name]) for name in columns])
    slope = fit_logistic(weighed, happened)
    factor = POINTS_TO_DOUBLE / np.log(2.0)
    raw = slope.weights / slope.scales
    level = slope.intercept - float(np.sum(raw * slope.means))
    lines = tuple(
        Characteristic(
            name,
            bounds[name],
            tuple(round(float(-factor * weight * each)) for each in evidence[name][:-1]),
            round(float(-factor * weight * evidence[name][-1])),
        )
        for name, weight in zip(columns, raw, strict=True)
    )
    return Scorecard(round(BASE_POINTS - factor * (np.log(BASE_ODDS) + level)), lines)


def chance_from_points(points: Numbers) -> Numbers:
    """The chance of a default that a number of points stands for."""
    odds = BASE_ODDS * 2.0 ** ((points - BASE_POINTS) / POINTS_TO_DOUBLE)
    return np.asarray(1.0 / (1.0 + odds), dtype=np.float64)


def area_under_curve(chance: Numbers, happened: Numbers) -> float:
    """How often one to whom it happened had the greater chance than one to whom it did not; a half is guessing."""
    _require_both(happened)
    ranks, count = rankdata(chance), float(happened.sum())
    return float((ranks[happened > 0].sum() - count * (count + 1) / 2) / (count * (len(happened) - count)))


def quantile_bounds(values: Numbers, shares: Sequence[float]) -> tuple[float, ...]:
    """The values that shares reach, counted from the top: (0.1, 0.3) bound the best tenth and the next fifth."""
    return tuple(round(float(np.quantile(values, 1.0 - share)), 2) for share in shares)


def _require_both(happened: Numbers) -> None:
    if not 0 < happened.sum() < len(happened):
        raise ValueError("Nothing can be learnt where everything happened or nothing did; give more rows.")


def _bounds(values: Numbers, bins: int) -> tuple[float, ...]:
    known = values[~np.isnan(values)]
    if not len(known):
        return ()
    found = np.unique(np.quantile(known, np.arange(1, bins) / bins).round(4))
    return tuple(float(each) for each in found if each > known.min())


def _steady(values: Numbers, happened: Numbers, bounds: tuple[float, ...]) -> tuple[float, ...]:
    """The bounds without those at which the evidence turns against the trend of the column."""
    while bounds:
        evidence = _evidence(values, happened, bounds)[:-1]
        trend = np.sign(evidence[-1] - evidence[0]) or 1.0
        against = np.diff(evidence) * trend
        worst = int(np.argmin(against))
        if against[worst] > 0:
            break
        bounds = bounds[:worst] + bounds[worst + 1 :]
    return bounds


def _evidence(values: Numbers, happened: Numbers, bounds: tuple[float, ...]) -> Numbers:
    """The weight of evidence of each bin for a default, then that of an unknown value."""
    place = np.where(np.isnan(values), len(bounds) + 1, np.searchsorted(np.asarray(bounds), values, side="right"))
    size = len(bounds) + 2
    bad = np.bincount(place, weights=happened, minlength=size) + _PSEUDO
    good = np.bincount(place, weights=1.0 - happened, minlength=size) + _PSEUDO
    found = np.log(bad / happened.sum()) - np.log(good / (len(happened) - happened.sum()))
    # No row without a value: nothing was learnt of it, so it counts neither way.
    return np.asarray(np.where(np.bincount(place, minlength=size) == 0, 0.0, found), dtype=np.float64)


def _placed(values: Numbers, bounds: tuple[float, ...], evidence: Numbers) -> Numbers:
    place = np.searchsorted(np.asarray(bounds), values, side="right")
    return np.where(np.isnan(values), evidence[-1], evidence[np.minimum(place, len(bounds))])
