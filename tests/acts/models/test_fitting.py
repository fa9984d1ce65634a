"""Logistic regression, scorecards and quantiles by exact value, and on data with a known answer."""

import numpy as np
import pytest

from acts.models.fitting import (
    Characteristic,
    Scorecard,
    area_under_curve,
    chance_from_points,
    fit_logistic,
    fit_scorecard,
    quantile_bounds,
)

NAN = float("nan")


class TestFitLogistic:
    def test_finds_the_chances_that_outcomes_were_drawn_from(self) -> None:
        draw = np.random.default_rng(1)
        columns = np.column_stack([draw.normal(50, 10, 20_000), draw.normal(0, 1, 20_000), np.ones(20_000)])
        truth = 1 / (1 + np.exp(-(-1.0 + 0.08 * (columns[:, 0] - 50) - 0.5 * columns[:, 1])))
        model = fit_logistic(columns, (draw.random(20_000) < truth).astype(float))
        assert model.weights / model.scales == pytest.approx([0.08, -0.5, 0.0], abs=0.05)
        assert np.abs(model.chance(columns) - truth).max() < 0.05

    def test_missing_counts_as_the_median(self) -> None:
        columns = np.asarray([[1.0], [2.0], [3.0], [NAN]])
        model = fit_logistic(columns, np.asarray([0.0, 0.0, 1.0, 1.0]))
        assert model.chance(np.asarray([[NAN]])) == model.chance(np.asarray([[2.0]]))

    @pytest.mark.parametrize("all_of_them", [0.0, 1.0])
    def test_refuses_one_outcome(self, all_of_them: float) -> None:
        with pytest.raises(ValueError, match="Nothing can be learnt"):
            fit_logistic(np.ones((3, 1)), np.full(3, all_of_them))


class TestCharacteristic:
    def test_a_value_is_in_the_bin_after_the_last_bound_it_reaches(self) -> None:
        line = Characteristic("debt", (0.3, 0.6), (40, 10, -30), -5)
        assert list(line.of(np.asarray([0.1, 0.3, 0.59, 0.6, 9.0, NAN]))) == [40, 10, 10, -30, -30, -5]


class TestFitScorecard:
    def test_more_risk_never_brings_more_points(self) -> None:
        draw = np.random.default_rng(2)
        debt, noise = draw.uniform(0, 1, 9_000), draw.normal(0, 1, 9_000)
        bad = (draw.random(9_000) < 0.02 + 0.2 * debt).astype(float)
        card = fit_scorecard({"debt": debt, "noise": noise}, bad)
        points = card.characteristics[0].points
        assert list(points) == sorted(points, reverse=True)
        assert points[0] - points[-1] > 20
        assert area_under_curve(-card.score({"debt": debt, "noise": noise}), bad) > 0.6

    def test_points_stand_for_the_chances(self) -> None:
        draw = np.random.default_rng(4)
        debt = draw.uniform(0, 1, 20_000)
        bad = (draw.random(20_000) < 0.02 + 0.1 * (debt > 0.5)).astype(float)
        card = fit_scorecard({"debt": debt}, bad, {"debt": (0.5,)})
        found = chance_from_points(card.score({"debt": np.asarray([0.1, 0.9])}))
        assert found == pytest.approx([0.02, 0.12], abs=0.01)

    def test_score_stays_between_0_and_1000(self) -> None:
        card = Scorecard(900, (Characteristic("x", (1.0,), (500, -2_000), 0),))
        assert list(card.score({"x": np.asarray([0.0, 2.0])})) == [1000.0, 0.0]


class TestAreaUnderCurve:
    def test_by_hand(self) -> None:
        # of the six pairs of one and other, five are in order
        found = area_under_curve(np.asarray([0.9, 0.4, 0.6, 0.2, 0.1]), np.asarray([1.0, 1.0, 0.0, 0.0, 0.0]))
        assert found == pytest.approx(5 / 6)


class TestQuantileBounds:
    def test_from_the_top(self) -> None:
        assert quantile_bounds(np.arange(1.0, 102.0), (0.1, 0.5)) == (91.0, 51.0)
