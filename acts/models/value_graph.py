"""Client value as an ONNX graph: BG/NBD and Gamma-Gamma with their fitted parameters inside."""

from collections.abc import Mapping
from math import ceil, lgamma, log

import numpy as np

from acts.models.bgnbd import BgNbd
from acts.models.gamma_gamma import GammaGamma
from acts.models.graphs import Graph

_PRECISION = 1e-12
_MOST_TERMS = 4_000


def value_graph(model: BgNbd, spending: Mapping[str, GammaGamma], weeks: float) -> Graph:
    """A graph from five inputs to value, expectedPurchases and probabilityAlive over the coming weeks.

    Shape: inputs purchaseCount, firstPurchaseOn, lastPurchaseOn and today (days), averageAmount, kind (as spending
    names them).
    """
    graph = Graph("client-value")
    count, first, last = (graph.input(each) for each in ("purchaseCount", "firstPurchaseOn", "lastPurchaseOn"))
    today, amount, kind = graph.input("today"), graph.input("averageAmount"), graph.input("kind", "string")
    repeats = graph.op("Max", graph.op("Sub", count, 1.0), 0.0)
    age = graph.op("Max", graph.op("Div", graph.op("Sub", today, first), 7.0), 0.0)
    recency = graph.op("Min", graph.op("Max", graph.op("Div", graph.op("Sub", last, first), 7.0), 0.0), age)
    alive = _alive(graph, model, repeats, recency, age)
    expected = graph.op("Mul", alive, _expected_if_alive(graph, model, repeats, age, weeks))
    graph.output("value", graph.op("Mul", expected, _amount(graph, spending, repeats, amount, kind)))
    graph.output("expectedPurchases", expected)
    graph.output("probabilityAlive", alive)
    return graph


def _alive(graph: Graph, model: BgNbd, repeats: str, recency: str, age: str) -> str:
    ratio = graph.op("Div", graph.op("Add", age, model.alpha), graph.op("Add", recency, model.alpha))
    power = graph.op("Pow", ratio, graph.op("Add", repeats, model.r))
    weight = graph.op("Div", model.a, graph.op("Add", graph.op("Max", repeats, 1.0), model.b - 1.0))
    # One purchase only: the model lets nobody leave before the second.
    odds = graph.op("Where", graph.op("Greater", repeats, 0.0), graph.op("Mul", weight, power), 0.0)
    return graph.op("Div", 1.0, graph.op("Add", odds, 1.0))


def _expected_if_alive(graph: Graph, model: BgNbd, repeats: str, age: str, weeks: float) -> str:
    """(a+b+x-1)/(a-1) times 1 - (1-z)^(a-1) 2F1(a+b-1-r, a-1; a+b+x-1; z), where z is weeks/(alpha+age+weeks).

    It is Euler's transformation of the form in the paper. Two of its three arguments are the same for every client, and
    its terms neither overflow nor grow with the purchases: how many are needed is known beforehand.
    """
    shape = graph.op("Add", repeats, model.a + model.b - 1.0)
    part = graph.op("Div", weeks, graph.op("Add", age, model.alpha + weeks))
    rest = graph.op("Pow", graph.op("Sub", 1.0, part), model.a - 1.0)
    left = graph.op("Sub", 1.0, graph.op("Mul", rest, _series(graph, model, shape, part, weeks)))
    return graph.op("Mul", graph.op("Div", shape, model.a - 1.0), left)


def _series(graph: Graph, model: BgNbd, shape: str, part: str, weeks: float) -> str:
    upper, lower = model.a + model.b - 1.0 - model.r, model.a - 1.0
    terms = _terms(weeks / (model.alpha + weeks))
    steps = np.arange(terms, dtype=np.float64)
    factors = (upper + steps) * (lower + steps)
    signs, logs = np.cumprod(np.sign(factors)), np.cumsum(np.log(np.abs(factors)))
    heads = np.asarray([[log_value - lgamma(k + 2) for k, log_value in enumerate(logs)]])
    powers = graph.op("Mul", graph.op("Log", part), graph.constant((steps + 1)[None, :]))
    rising = graph.op("Log", graph.op("Add", shape, graph.constant(steps[None, :])))
    below = graph.op("CumSum", rising, graph.constant(1, np.int64))
    exponents = graph.op("Sub", graph.op("Add", powers, graph.constant(heads)), below)
    sizes = graph.op("Mul", graph.op("Exp", exponents), graph.constant(signs[None, :]))
    return graph.op("Add", graph.row_sum(sizes), 1.0)


def _terms(largest: float) -> int:
    """How many terms the youngest client needs; older ones need fewer."""
    needed = ceil(log(_PRECISION) / log(largest)) + 20
    if needed > _MOST_TERMS:
        raise ValueError(
            f"The horizon is too long for this model: {needed} terms are needed, {_MOST_TERMS} are the most."
        )
    return needed


def _amount(graph: Graph, spending: Mapping[str, GammaGamma], repeats: str, amount: str, kind: str) -> str:
    """The expected amount of a purchase: between the client's own mean and that of its kind."""
    place = graph.label(kind, keys_strings=list(spending), values_int64s=list(range(len(spending))), default_int64=0)

    def parameter(name: str) -> str:
        return graph.op("Gather", graph.constant([getattr(each, name) for each in spending.values()]), place)

    p, q, gamma = parameter("p"), parameter("q"), parameter("gamma")
    own = graph.op("Where", graph.op("Greater", repeats, 0.0), graph.op("Mul", repeats, amount), 0.0)
    weight = graph.op("Add", graph.op("Mul", p, repeats), graph.op("Sub", q, 1.0))
    return graph.op("Div", graph.op("Mul", p, graph.op("Add", gamma, own)), weight)
