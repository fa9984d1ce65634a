"""Gamma-Gamma by its definition, and on amounts that were drawn from it."""

import numpy as np
import pytest

from acts.models.gamma_gamma import GammaGamma, fit

MODEL = GammaGamma(6.25, 3.74, 15.44)


class TestExpected:
    def test_nobody_known_gets_the_mean(self) -> None:
        assert MODEL.expected(np.asarray([0.0]), np.asarray([999.0])) == pytest.approx([MODEL.mean])

    def test_many_purchases_count_more_than_the_mean(self) -> None:
        found = MODEL.expected(np.asarray([1.0, 10.0, 1e6]), np.asarray([100.0, 100.0, 100.0]))
        assert MODEL.mean < found[0] < found[1] < 100.0
        assert found[2] == pytest.approx(100.0, rel=1e-4)


class TestFit:
    def test_finds_what_amounts_were_drawn_from(self) -> None:
        draw = np.random.default_rng(3)
        frequency = draw.integers(1, 8, 8_000).astype(np.float64)
        own = draw.gamma(MODEL.q, 1 / MODEL.gamma, len(frequency))
        amount = draw.gamma(MODEL.p * frequency, 1 / own) / frequency
        found = fit(frequency, amount)
        assert (found.p, found.q) == pytest.approx((MODEL.p, MODEL.q), rel=0.1)
        assert found.mean == pytest.approx(MODEL.mean, rel=0.03)

    def test_refuses_no_repeated_purchases(self) -> None:
        with pytest.raises(ValueError, match="there are none"):
            fit(np.asarray([0.0, 0.0]), np.asarray([5.0, 5.0]))
