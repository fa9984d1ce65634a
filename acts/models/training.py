"""Trains the models that Kehu ships, on the demonstration book, and writes them as ONNX files.

Run by scripts/train-models. Each model is fitted on two thirds of the clients and measured on the others.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from acts.models import bgnbd, gamma_gamma
from acts.models.book import Book, read_book, today
from acts.models.fitting import (
    Numbers,
    Scorecard,
    area_under_curve,
    chance_from_points,
    fit_logistic,
    fit_scorecard,
    quantile_bounds,
)
from acts.models.graphs import Graph
from acts.models.score_graphs import logistic_graph, scorecard_graph, tier_graph
from acts.models.shipped import FOLDER
from acts.models.value_graph import value_graph

CLIENTS = 20_000
VERSION = "1"
OWNER = "analytics"
WEEKS = 52.0
KINDS = ("ORGANISATION", "PERSON")
_LINES = {
    "ORGANISATION": {
        "debtRatio": "derived.debtRatio",
        "currentRatio": "derived.currentRatio",
        "netMargin": "derived.netMargin",
        "overdueDays": "behaviour.withUs.overdueDays",
    },
    "PERSON": {
        "householdDebtRatio": "",
        "annualIncome": "behaviour.household.annualIncome",
        "overdueDays": "behaviour.withUs.overdueDays",
    },
}
_HOUSEHOLD = {"householdDebt": "behaviour.household.debt", "householdAssets": "behaviour.household.assets"}
_RATIOS = {"householdDebtRatio": ("householdDebt", "householdAssets")}
_BOUNDS = {"overdueDays": (1.0, 30.0, 90.0)}
"""Most clients owe nothing overdue, so bins of equal numbers would not tell the others apart."""
_SCALE = ((0.001, "AAA"), (0.003, "AA"), (0.01, "A"), (0.03, "BBB"), (0.08, "BB"), (0.2, "B"))
"""The highest chance of default of each rating; above the last it is CCC."""
_CHURN = {
    "satisfaction": "attitude.satisfaction",
    "contactCount90d": "behaviour.contactCount90d",
    "complaintCount365d": "behaviour.complaintCount365d",
    "overdueDays": "behaviour.withUs.overdueDays",
    "lastContactAt": "behaviour.lastContactAt",
}
_STAGES = ("DORMANT", "LOST")
_TIERS = ("A", "B", "C", "D")
_SHARES = (0.1, 0.3, 0.6)
"""The best tenth is A, the next fifth B, the next three tenths C."""


@dataclass(frozen=True, slots=True)
class Trained:
    """One model, ready to be written."""

    graph: Graph
    description: str
    inputs: list[dict[str, str]]
    outputs: list[dict[str, str]]
    metrics: dict[str, float]
    extra: Mapping[str, Any]

    def file(self, trained_on: date, clients: int) -> bytes:
        return self.graph.file(
            {
                "name": self.graph.name,
                "version": VERSION,
                "owner": OWNER,
                "description": self.description,
                "trainedOn": trained_on.isoformat(),
                "trainingData": f"{clients} clients of the demonstration book, which are invented",
                "inputs": self.inputs,
                "outputs": self.outputs,
                "metrics": self.metrics,
                **self.extra,
            }
        )


def train_value(book: Book) -> Trained:
    """Client value: how many purchases in the coming year, times what each is worth."""
    bought = book.where(~np.isnan(book.numbers("behaviour.purchases.count")))
    learn, measure = _thirds(bought)
    model = bgnbd.fit(_purchases(learn))
    spending = {kind: _spending(learn, kind) for kind in KINDS}
    known = _purchases(measure)
    metrics = {
        "logLikelihoodPerClient": bgnbd.log_likelihood(model, known) / len(known.frequency),
        "expectedPurchasesMean": float(model.expected(known, WEEKS).mean()),
    }
    paths = {
        "purchaseCount": "behaviour.purchases.count",
        "firstPurchaseOn": "behaviour.purchases.firstOn",
        "lastPurchaseOn": "behaviour.purchases.lastOn",
        "averageAmount": "behaviour.purchases.averageAmount",
        "today": "today",
        "kind": "kind",
    }
    fitted = {"bgNbd": asdict(model), "gammaGamma": {kind: asdict(each) for kind, each in spending.items()}}
    return Trained(
        value_graph(model, spending, WEEKS),
        "What the bank will earn by purchases in the coming 52 weeks (BG/NBD with Gamma-Gamma). Units: CNY.",
        _inputs(paths, "SKIP"),
        [{"name": "value", "path": "derived.clientValue"}],
        _rounded(metrics),
        {"parameters": fitted},
    )


def train_rating(book: Book) -> Trained:
    """Credit rating: a scorecard for each kind of client, and ratings by the chance of default."""
    cards: dict[str, Scorecard] = {}
    chances: list[Numbers] = []
    outcomes: list[Numbers] = []
    for kind in KINDS:
        of_kind = _with_outcome(book.where(book.texts("kind") == kind), "derived.defaultProbability")
        learn, measure = _thirds(of_kind)
        cards[kind] = fit_scorecard(
            _characteristics(learn, kind), learn.happened("derived.defaultProbability"), _BOUNDS
        )
        chances.append(chance_from_points(cards[kind].score(_characteristics(measure, kind))))
        outcomes.append(measure.happened("derived.defaultProbability"))
    chance, outcome = np.concatenate(chances), np.concatenate(outcomes)
    area = area_under_curve(chance, outcome)
    metrics = {"areaUnderCurve": area, "gini": 2 * area - 1, "brier": float(np.mean((chance - outcome) ** 2))}
    ratings = [(_points_for(chance), code) for chance, code in _SCALE]
    paths = {"kind": "kind", **{name: path for lines in _LINES.values() for name, path in lines.items() if path}}
    return Trained(
        scorecard_graph(cards, ratings, "CCC", _RATIOS),
        "Points from debt, liquidity, margin, income and days overdue, and the rating that they stand for (scorecard).",
        [{**each, "unset": "SKIP" if each["path"] == "kind" else "NAN"} for each in _inputs(paths | _HOUSEHOLD, "NAN")],
        [
            {"name": "rating", "path": "derived.creditRating"},
            {"name": "score", "path": "derived.creditScore"},
            {"name": "defaultProbability", "path": "derived.defaultProbability"},
        ],
        _rounded(metrics),
        {"points": {kind: asdict(card) for kind, card in cards.items()}, "ratings": [list(each) for each in ratings]},
    )


def train_churn(book: Book) -> Trained:
    """Churn risk: a logistic regression on contacts, satisfaction, arrears, silence and stage."""
    learn, measure = _thirds(_with_outcome(book, "derived.churnRisk"))
    model = fit_logistic(_churn_columns(learn), learn.happened("derived.churnRisk"))
    chance, outcome = model.chance(_churn_columns(measure)), measure.happened("derived.churnRisk")
    metrics = {
        "areaUnderCurve": area_under_curve(chance, outcome),
        "brier": float(np.mean((chance - outcome) ** 2)),
        "brierOfTheMean": float(np.mean((outcome.mean() - outcome) ** 2)),
    }
    names = (*_CHURN, "stage")
    graph = logistic_graph(
        "churn-risk", model, names, {"stage": _STAGES}, {"lastContactAt": "today"}, output="churnRisk"
    )
    paths = {**_CHURN, "stage": "stage", "today": "today"}
    inputs = [
        {**each, "unset": "SKIP" if each["name"] in ("satisfaction", "stage", "today") else "NAN"}
        for each in _inputs(paths, "NAN")
    ]
    return Trained(
        graph,
        "Chance that the client leaves within a year (logistic regression).",
        inputs,
        [{"name": "churnRisk", "path": "derived.churnRisk"}],
        _rounded(metrics),
        {"weights": dict(zip([*_CHURN, *_STAGES], (round(float(each), 6) for each in model.weights), strict=True))},
    )


def train_tiers(book: Book) -> Trained:
    """Tiers A to D: quantiles of the client value that the value model gives, for each kind of client."""
    bought = book.where(~np.isnan(book.numbers("behaviour.purchases.count")))
    learn, measure = _thirds(bought)
    model = bgnbd.fit(_purchases(learn))
    bounds: dict[str, tuple[float, ...]] = {}
    shares: dict[str, float] = {}
    for kind in KINDS:
        spending = _spending(learn, kind)
        bounds[kind] = quantile_bounds(_value(model, spending, learn.where(learn.texts("kind") == kind)), _SHARES)
        values = _value(model, spending, measure.where(measure.texts("kind") == kind))
        shares[f"shareOfA.{kind}"] = float(np.mean(values >= bounds[kind][0]))
    return Trained(
        tier_graph(bounds, _TIERS),
        "Tier among clients of a kind: the best tenth by client value is A, the next fifth B, the next three tenths C.",
        _inputs({"value": "derived.clientValue", "kind": "kind"}, "SKIP"),
        [{"name": "tier", "path": "derived.tier"}],
        _rounded(shares),
        {"bounds": {kind: list(each) for kind, each in bounds.items()}},
    )


TRAINERS: tuple[Callable[[Book], Trained], ...] = (train_value, train_rating, train_churn, train_tiers)


def train_all(clients: int, trained_on: date) -> dict[str, bytes]:
    """The files by name."""
    book = read_book(clients)
    trained = [each(book) for each in TRAINERS]
    return {each.graph.name: each.file(trained_on, clients) for each in trained}


def main(arguments: list[str]) -> None:
    """Write the files; `--out` and `--clients` say where and from how many."""
    parser = ArgumentParser(
        prog="scripts/train-models", description="Trains the models that Kehu ships and writes them as ONNX files."
    )
    parser.add_argument(
        "--out", type=Path, default=FOLDER, help="folder of the files (default: where they are shipped from)"
    )
    parser.add_argument(
        "--clients", type=int, default=CLIENTS, help=f"clients of the demonstration book (default: {CLIENTS})"
    )
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    for name, content in train_all(given.clients, datetime.now(UTC).date()).items():
        path = given.out / f"{name}.onnx"
        path.write_bytes(content)
        sys.stdout.write(f"{path.name}: {len(content):,} bytes\n")


def _thirds(book: Book) -> tuple[Book, Book]:
    """Two of three to learn from, every third to measure with."""
    third = np.arange(len(book.rows)) % 3 == 2
    return book.where(~third), book.where(third)


def _with_outcome(book: Book, path: str) -> Book:
    return book.where(~np.isnan(book.numbers(path)))


def _purchases(book: Book) -> bgnbd.Purchases:
    first, last = book.numbers("behaviour.purchases.firstOn"), book.numbers("behaviour.purchases.lastOn")
    count = book.numbers("behaviour.purchases.count")
    return bgnbd.Purchases(count - 1.0, (last - first) / 7.0, (today() - first) / 7.0)


def _spending(book: Book, kind: str) -> gamma_gamma.GammaGamma:
    of_kind = book.where(book.texts("kind") == kind)
    count = of_kind.numbers("behaviour.purchases.count")
    return gamma_gamma.fit(count - 1.0, of_kind.numbers("behaviour.purchases.averageAmount"))


def _value(model: bgnbd.BgNbd, spending: gamma_gamma.GammaGamma, book: Book) -> Numbers:
    known = _purchases(book)
    amount = book.numbers("behaviour.purchases.averageAmount")
    return model.expected(known, WEEKS) * spending.expected(known.frequency, amount)


def _characteristics(book: Book, kind: str) -> dict[str, Numbers]:
    found: dict[str, Numbers] = {}
    for name, path in _LINES[kind].items():
        if path:
            found[name] = book.numbers(path)
        else:
            upper, lower = (book.numbers(_HOUSEHOLD[each]) for each in _RATIOS[name])
            found[name] = np.divide(upper, lower, out=np.full(len(lower), np.nan), where=lower > 0)
    return found


def _churn_columns(book: Book) -> Numbers:
    numbers = [
        today() - book.numbers(path) if name == "lastContactAt" else book.numbers(path) for name, path in _CHURN.items()
    ]
    stages = [(book.texts("stage") == stage).astype(np.float64) for stage in _STAGES]
    return np.column_stack([*numbers, *stages])


def _points_for(chance: float) -> int:
    """The least points that stand for no more than a chance of default."""
    points = np.arange(0, 1001, dtype=np.float64)
    return int(points[chance_from_points(points) <= chance][0])


def _inputs(paths: Mapping[str, str], unset: str) -> list[dict[str, str]]:
    return [{"name": name, "path": path, "unset": unset} for name, path in paths.items()]


def _rounded(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in metrics.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
