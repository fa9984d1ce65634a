"""Graphs, run by onnxruntime, beside the Python that they were made from."""

import numpy as np
import pytest

from acts.models.bgnbd import BgNbd, Purchases
from acts.models.fitting import Characteristic, Scorecard, chance_from_points, fit_logistic
from acts.models.gamma_gamma import GammaGamma
from acts.models.runtime import Scorer
from acts.models.score_graphs import logistic_graph, scorecard_graph, tier_graph
from acts.models.value_graph import value_graph

NAN = float("nan")
SPENDING = {"ORGANISATION": GammaGamma(5.5, 3.7, 4400.0), "PERSON": GammaGamma(5.8, 3.8, 200.0)}
CARDS = {
    "ORGANISATION": Scorecard(
        620, (Characteristic("debt", (0.3, 0.6), (40, 10, -30), -5), Characteristic("flat", (), (7,), -2))
    ),
    "PERSON": Scorecard(
        650, (Characteristic("share", (0.5,), (60, -80), 3), Characteristic("debt", (0.9,), (5, -5), 0))
    ),
}
RATINGS = ((700, "AAA"), (640, "A"), (600, "B"))


class TestValueGraph:
    @pytest.mark.parametrize(
        "model",
        [BgNbd(0.243, 4.414, 0.793, 2.426), BgNbd(0.886, 17.36, 0.8, 4.23), BgNbd(1.6, 20.0, 1.7, 6.0)],
        ids=["published", "shipped", "a above 1"],
    )
    def test_is_the_formula_of_the_papers(self, model: BgNbd) -> None:
        draw = np.random.default_rng(8)
        age = np.concatenate(([0.0, 0.0, 520.0], draw.uniform(0, 300, 200)))
        frequency = np.concatenate(([0.0, 3.0, 400.0], draw.integers(0, 60, 200).astype(float)))
        recency = np.where(frequency > 0, age * draw.uniform(0, 1, len(age)), 0.0)
        amount, persons = draw.uniform(10, 90_000, len(age)), draw.random(len(age)) < 0.5
        known = Purchases(frequency, recency, age)
        found = Scorer(value_graph(model, SPENDING, 52.0).file({})).run(
            {
                "purchaseCount": (frequency + 1)[:, None],
                "firstPurchaseOn": (20_000 - age * 7)[:, None],
                "lastPurchaseOn": (20_000 - age * 7 + recency * 7)[:, None],
                "today": np.full((len(age), 1), 20_000.0),
                "averageAmount": amount[:, None],
                "kind": np.where(persons, "PERSON", "ORGANISATION")[:, None],
            }
        )
        expected = model.expected(known, 52.0)
        each = np.where(
            persons,
            SPENDING["PERSON"].expected(frequency, amount),
            SPENDING["ORGANISATION"].expected(frequency, amount),
        )
        assert [row[0] for row in found["expectedPurchases"]] == pytest.approx(expected, rel=1e-6, abs=1e-9)
        assert [row[0] for row in found["probabilityAlive"]] == pytest.approx(model.alive(known), rel=1e-9)
        assert [row[0] for row in found["value"]] == pytest.approx(expected * each, rel=1e-6, abs=1e-6)

    def test_refuses_a_horizon_that_needs_too_many_terms(self) -> None:
        with pytest.raises(ValueError, match="horizon is too long"):
            value_graph(BgNbd(0.2, 0.5, 0.8, 2.4), SPENDING, 520.0)


class TestScorecardGraph:
    def test_adds_the_points_of_the_kind(self) -> None:
        file = scorecard_graph(CARDS, RATINGS, "C", {"share": ("owed", "owned")}).file({})
        rows = [
            ("ORGANISATION", 0.1, NAN, NAN), ("ORGANISATION", 0.3, NAN, NAN), ("ORGANISATION", NAN, 1.0, 2.0),
            ("PERSON", NAN, 1.0, 4.0), ("PERSON", 0.95, 3.0, 4.0), ("PERSON", NAN, 1.0, 0.0), ("OTHER", 0.1, NAN, NAN),
        ]  # fmt: skip
        found = Scorer(file).run(
            {name: [[row[at]] for row in rows] for at, name in enumerate(("kind", "debt", "owed", "owned"))}
            | {"flat": [[1.0]] * 2 + [[NAN]] * 5}
        )
        scores = [667, 637, 613, 710, 565, 653, 658]
        assert [row[0] for row in found["score"]] == scores
        assert [row[0] for row in found["rating"]] == ["A", "B", "B", "AAA", "C", "A", "A"]
        chances = chance_from_points(np.asarray(scores, dtype=float))
        assert [row[0] for row in found["defaultProbability"]] == pytest.approx(chances)


class TestLogisticGraph:
    def test_is_the_regression(self) -> None:
        draw = np.random.default_rng(9)
        columns = np.column_stack([draw.normal(60, 15, 500), draw.uniform(0, 90, 500), draw.random(500) < 0.3])
        model = fit_logistic(columns, (draw.random(500) < 0.4).astype(float))
        file = logistic_graph(
            "m", model, ("mood", "seen", "stage"), {"stage": ["LOST"]}, {"seen": "today"}, "risk"
        ).file({})
        found = Scorer(file).run(
            {
                "mood": [[50.0], [NAN]],
                "seen": [[90.0], [70.0]],
                "today": [[100.0], [100.0]],
                "stage": [["LOST"], ["ACTIVE"]],
            }
        )
        expected = model.chance(np.asarray([[50.0, 10.0, 1.0], [NAN, 30.0, 0.0]]))
        assert [row[0] for row in found["risk"]] == pytest.approx(expected)


class TestTierGraph:
    def test_bounds_belong_to_the_better_tier(self) -> None:
        file = tier_graph({"ORGANISATION": (900.0, 500.0, 100.0), "PERSON": (90.0, 50.0, 10.0)}, "ABCD").file({})
        values = [900.0, 899.0, 500.0, 100.0, 99.0, 99.0, -5.0]
        kinds = ["ORGANISATION"] * 5 + ["PERSON"] * 2
        found = Scorer(file).run({"value": [[each] for each in values], "kind": [[each] for each in kinds]})
        assert [row[0] for row in found["tier"]] == ["A", "B", "B", "C", "D", "A", "D"]
