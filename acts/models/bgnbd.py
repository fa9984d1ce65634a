"""How often clients buy and whether they still do: the BG/NBD model on counts, recency and age.

Source: Fader, Hardie, Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model,
Marketing Science 24(2), 275-284; Fader, Hardie (2013), Overcoming the BG/NBD Model's #NUM! Error Problem; Fader,
Hardie, Lee (2008), Computing P(alive) Using the BG/NBD Model.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

Numbers = NDArray[np.float64]
_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.3, 5.0, 0.5, 2.0), (2.0, 10.0, 2.0, 5.0))
_BOUND = 12.0
"""Where the search for the logarithm of a parameter ends: e^12 is 160,000 times what any fit has given."""


@dataclass(frozen=True, slots=True)
class Purchases:
    """What is known of each client.

    Shape: three arrays of one length. Units: recency and age in weeks since the first purchase.
    """

    frequency: Numbers
    """Purchases after the first one."""
    recency: Numbers
    """When the last of them was made; 0 where there is none."""
    age: Numbers
    """How long the client was watched."""


@dataclass(frozen=True, slots=True)
class BgNbd:
    """A fitted model: rates of buying are gamma(r, alpha), chances to leave after a purchase beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = float("nan")

    def alive(self, known: Purchases) -> Numbers:
        """The chance that each client still buys; 1 without a repeated purchase, as the model has it."""
        return 1.0 / (1.0 + self._dropped(known))

    def expected(self, known: Purchases, weeks: float) -> Numbers:
        """How many purchases each client makes in the coming weeks, given what is known of it."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        x, age = known.frequency, known.age
        shape = a + b + x - 1.0
        series = hyp2f1(r + x, b + x, shape, weeks / (alpha + age + weeks))
        left = 1.0 - ((alpha + age) / (alpha + age + weeks)) ** (r + x) * series
        return np.asarray(shape / (a - 1.0) * left / (1.0 + self._dropped(known)), dtype=np.float64)

    def expected_from_start(self, weeks: Numbers) -> Numbers:
        """How many repeated purchases a client of whom nothing is known makes in the weeks after its first one."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        series = hyp2f1(r, b, a + b - 1.0, weeks / (alpha + weeks))
        left = 1.0 - (alpha / (alpha + weeks)) ** r * series
        return np.asarray((a + b - 1.0) / (a - 1.0) * left, dtype=np.float64)

    def _dropped(self, known: Purchases) -> Numbers:
        """The odds that a client has left."""
        x = known.frequency
        ratio = (self.alpha + known.age) / (self.alpha + known.recency)
        odds = self.a / (self.b + np.maximum(x, 1.0) - 1.0) * ratio ** (self.r + x)
        return np.where(x > 0, odds, 0.0)


def fit(known: Purchases) -> BgNbd:
    """The model of greatest likelihood.

    Raises: ValueError if there is nothing to fit, or no maximum is found.
    Cost: about a second for 10,000 clients.
    """
    if not (known.frequency > 0).any():
        raise ValueError("BG/NBD needs clients who bought more than once; none did.")
    scale = 10.0 / float(known.age.max())
    scaled = Purchases(known.frequency, known.recency * scale, known.age * scale)
    found = [_search(scaled, np.log(np.asarray(start))) for start in _STARTS]
    best = max(found, key=lambda each: each[1])
    r, alpha, a, b = (float(each) for each in np.exp(best[0]))
    model = BgNbd(r, alpha / scale, a, b)
    return BgNbd(r, alpha / scale, a, b, log_likelihood(model, known))


def log_likelihood(model: BgNbd, known: Purchases) -> float:
    """The logarithm of how likely the purchases are, in the form that does not overflow."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    x, recency, age = known.frequency, known.recency, known.age
    ordinary = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
    watched = -(r + x) * np.log(alpha + age)
    left = np.log(a) - np.log(b + np.maximum(x, 1.0) - 1.0) - (r + x) * np.log(alpha + recency)
    return float(np.sum(ordinary + np.where(x > 0, np.logaddexp(watched, left), watched)))


def _search(known: Purchases, start: Numbers) -> tuple[Numbers, float]:
    count = len(known.frequency)

    def loss(logs: Numbers) -> float:
        return -log_likelihood(BgNbd(*(float(each) for each in np.exp(logs))), known) / count

    found = minimize(loss, start, method="Nelder-Mead", bounds=[(-_BOUND, _BOUND)] * 4, options=_OPTIONS)
    if not found.success:
        raise ValueError(f"BG/NBD finds no maximum: {found.message}")
    return np.asarray(found.x, dtype=np.float64), -float(found.fun)


_OPTIONS = {"maxiter": 4_000, "maxfev": 4_000, "xatol": 1e-6, "fatol": 1e-11}
