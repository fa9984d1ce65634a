"""What a purchase of a client is worth: the Gamma-Gamma model on counts and mean amounts.

Source: Fader, Hardie (2013), The Gamma-Gamma Model of Monetary Value; Fader, Hardie, Lee (2005), RFM and CLV: Using
Iso-Value Curves for Customer Base Analysis, Journal of Marketing Research 42(4), 415-430.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln

Numbers = NDArray[np.float64]
_OPTIONS = {"maxiter": 4_000, "maxfev": 4_000, "xatol": 1e-7, "fatol": 1e-12}
_BOUND = 12.0


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """A fitted model: amounts are gamma(p, v) around a client's own mean, and v is a gamma(q, gamma) over clients."""

    p: float
    q: float
    gamma: float
    log_likelihood: float = float("nan")

    @property
    def mean(self) -> float:
        """The expected amount of a client of whom nothing is known."""
        return self.p * self.gamma / (self.q - 1.0)

    def expected(self, frequency: Numbers, amount: Numbers) -> Numbers:
        """The expected amount of a purchase: between a client's own mean and everybody's, by how often it bought."""
        own = np.where(frequency > 0, amount, 0.0)
        weight = self.p * frequency + self.q - 1.0
        return np.asarray(self.p * (self.gamma + frequency * own) / weight, dtype=np.float64)


def fit(frequency: Numbers, amount: Numbers) -> GammaGamma:
    """The model of greatest likelihood, from the clients with repeated purchases of a positive mean amount.

    Raises: ValueError if there are none, no maximum is found, or the amounts have no finite mean.
    """
    used = (frequency > 0) & (amount > 0)
    if not used.any():
        raise ValueError("Gamma-Gamma needs clients with repeated purchases of a positive amount; there are none.")
    x, scale = frequency[used], float(np.mean(amount[used]))
    means = amount[used] / scale

    def loss(logs: Numbers) -> float:
        p, q, gamma = (float(each) for each in np.exp(logs))
        return -log_likelihood(GammaGamma(p, q, gamma), x, means) / len(x)

    found = minimize(
        loss, np.log([2.0, 3.0, 1.0]), method="Nelder-Mead", bounds=[(-_BOUND, _BOUND)] * 3, options=_OPTIONS
    )
    p, q, gamma = (float(each) for each in np.exp(found.x))
    if not found.success or q <= 1.0:
        raise ValueError(f"Gamma-Gamma finds no mean amount (q is {q:.3f}, and has to be above 1): {found.message}")
    model = GammaGamma(p, q, gamma * scale)
    return GammaGamma(p, q, gamma * scale, log_likelihood(model, frequency[used], amount[used]))


def log_likelihood(model: GammaGamma, frequency: Numbers, amount: Numbers) -> float:
    """The logarithm of how likely the mean amounts are. All are positive, and so are the counts."""
    p, q, gamma = model.p, model.q, model.gamma
    px = p * frequency
    parts = gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(gamma)
    parts += (px - 1.0) * np.log(amount) + px * np.log(frequency) - (px + q) * np.log(gamma + frequency * amount)
    return float(np.sum(parts))
