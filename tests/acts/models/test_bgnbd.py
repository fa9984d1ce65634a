"""BG/NBD by exact value, by its definition, and on purchases that were drawn from it."""

import numpy as np
import pytest

from acts.models.bgnbd import BgNbd, Numbers, Purchases, fit, log_likelihood

# the published fit, and one with a above 1, where the expectation stays finite
MODEL = BgNbd(0.243, 4.414, 0.793, 2.426)
SLOW = BgNbd(1.6, 20.0, 1.7, 6.0)


def _known(*rows: tuple[float, float, float]) -> Purchases:
    return Purchases(*(np.asarray(each) for each in zip(*rows, strict=True)))


def _drawn(model: BgNbd, clients: int, weeks: float, seed: int) -> tuple[Purchases, Numbers]:
    """Purchases of invented clients, and who of them is still there."""
    draw = np.random.default_rng(seed)
    rates = draw.gamma(model.r, 1 / model.alpha, clients)
    leaving = draw.beta(model.a, model.b, clients)
    rows, alive = [], []
    for rate, chance in zip(rates, leaving, strict=True):
        age, at, count, last, stays = draw.uniform(weeks / 2, weeks), 0.0, 0.0, 0.0, True
        while stays and (at := at + draw.exponential(1 / rate)) <= age:
            count, last, stays = count + 1, at, bool(draw.random() >= chance)
        rows.append((count, last, age))
        alive.append(stays)
    return _known(*rows), np.asarray(alive, dtype=np.float64)


class TestExpected:
    def test_published_example(self) -> None:
        # Fader, Hardie, Lee, Implementing the BG/NBD Model in Excel: x = 2, t_x = 30.43, T = 38.86, 39 weeks
        assert MODEL.expected(_known((2.0, 30.43, 38.86)), 39.0) == pytest.approx([1.226], abs=0.001)

    def test_nothing_in_no_time(self) -> None:
        assert MODEL.expected(_known((3.0, 10.0, 20.0)), 0.0) == pytest.approx([0.0], abs=1e-12)

    def test_of_a_new_client_is_the_expectation_from_the_start(self) -> None:
        found = MODEL.expected(_known((0.0, 0.0, 0.0)), 26.0)
        assert found == pytest.approx(MODEL.expected_from_start(np.asarray([26.0])))

    @pytest.mark.parametrize("model", [MODEL, SLOW])
    def test_is_the_mean_of_what_drawn_clients_do(self, model: BgNbd) -> None:
        known, _ = _drawn(model, 20_000, 52.0, seed=5)
        assert model.expected_from_start(known.age).mean() == pytest.approx(known.frequency.mean(), rel=0.05)


class TestAlive:
    def test_is_one_without_a_repeat_and_falls_with_silence(self) -> None:
        found = MODEL.alive(_known((0.0, 0.0, 30.0), (4.0, 29.0, 30.0), (4.0, 10.0, 30.0)))
        assert found[0] == 1.0
        assert found[0] > found[1] > found[2] > 0.0

    def test_is_the_share_of_drawn_clients_who_are(self) -> None:
        known, alive = _drawn(SLOW, 20_000, 52.0, seed=6)
        assert SLOW.alive(known).mean() == pytest.approx(alive.mean(), abs=0.01)


class TestFit:
    def test_finds_what_clients_were_drawn_from(self) -> None:
        known, _ = _drawn(SLOW, 6_000, 104.0, seed=7)
        found = fit(known)
        assert (found.r, found.alpha) == pytest.approx((SLOW.r, SLOW.alpha), rel=0.1)
        assert found.a / (found.a + found.b) == pytest.approx(SLOW.a / (SLOW.a + SLOW.b), rel=0.1)
        assert found.log_likelihood >= log_likelihood(SLOW, known)

    def test_refuses_clients_who_never_came_back(self) -> None:
        with pytest.raises(ValueError, match="bought more than once; none did"):
            fit(_known((0.0, 0.0, 10.0), (0.0, 0.0, 20.0)))


class TestLogLikelihood:
    def test_does_not_overflow_where_the_first_form_did(self) -> None:
        # Fader and Hardie (2013): hundreds of purchases made the gamma function of the first form overflow
        assert np.isfinite(log_likelihood(MODEL, _known((400.0, 70.0, 78.0))))
