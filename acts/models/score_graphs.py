"""Scorecards, logistic regressions and tiers as ONNX graphs."""

from collections.abc import Mapping, Sequence

import numpy as np

from acts.models.fitting import BASE_ODDS, BASE_POINTS, POINTS_TO_DOUBLE, Characteristic, Logistic, Scorecard
from acts.models.graphs import Graph


def scorecard_graph(
    cards: Mapping[str, Scorecard],
    ratings: Sequence[tuple[int, str]],
    lowest: str,
    ratios: Mapping[str, tuple[str, str]],
) -> Graph:
    """A graph from the characteristics and the kind to score, rating and defaultProbability.

    Shape: cards by kind; ratings are the least score and the code, best first; ratios are characteristics that the
    graph divides itself.
    """
    graph = Graph("credit-rating")
    kind = graph.input("kind", "string")
    names = list(dict.fromkeys(line.name for card in cards.values() for line in card.characteristics))
    given = {name: graph.input(name) for name in dict.fromkeys(p for n in names for p in ratios.get(n, (n,)))}
    columns = {name: _ratio(graph, given, ratios[name]) if name in ratios else given[name] for name in names}
    totals = [_total(graph, card, columns) for card in cards.values()]
    place = graph.label(kind, keys_strings=list(cards), values_int64s=list(range(len(cards))), default_int64=0)
    chosen = totals[0]
    for index, total in enumerate(totals[1:], start=1):
        is_it = graph.op("Equal", place, graph.constant([[index]], np.int64))
        chosen = graph.op("Where", is_it, total, chosen)
    score = graph.op("Min", graph.op("Max", chosen, 0.0), 1000.0)
    doublings = graph.op("Div", graph.op("Sub", score, BASE_POINTS), POINTS_TO_DOUBLE)
    odds = graph.op("Mul", graph.op("Pow", graph.constant(2.0), doublings), BASE_ODDS)
    graph.output("score", graph.op("Cast", score, to=7), "integer")
    graph.output("rating", _banded(graph, score, ratings, lowest), "string")
    graph.output("defaultProbability", graph.op("Div", 1.0, graph.op("Add", odds, 1.0)))
    return graph


def logistic_graph(
    name: str,
    model: Logistic,
    inputs: Sequence[str],
    codes: Mapping[str, Sequence[str]],
    silences: Mapping[str, str],
    output: str,
) -> Graph:
    """A graph from inputs to a chance.

    Shape: inputs in the order of the model's columns; codes by input: one column for each code; silences by input: the
    days from a date to another input.
    """
    graph = Graph(name)
    numbers = {each: graph.input(each) for each in (*inputs, *dict.fromkeys(silences.values())) if each not in codes}
    texts = {each: graph.input(each, "string") for each in codes}
    columns: list[str] = []
    for each in inputs:
        if each in codes:
            columns += [_is_code(graph, texts[each], code) for code in codes[each]]
        elif each in silences:
            columns.append(graph.op("Sub", numbers[silences[each]], numbers[each]))
        else:
            columns.append(numbers[each])
    table = graph.op("Concat", *columns, axis=1)
    filled = graph.op("Where", graph.op("IsNaN", table), graph.constant(model.medians[None, :]), table)
    centred = graph.op("Sub", filled, graph.constant(model.means[None, :]))
    odds = graph.op("MatMul", centred, graph.constant((model.weights / model.scales)[:, None]))
    graph.output(output, graph.op("Sigmoid", graph.op("Add", odds, model.intercept)))
    return graph


def tier_graph(bounds: Mapping[str, Sequence[float]], tiers: Sequence[str]) -> Graph:
    """A graph from value and kind to a tier. Shape: bounds by kind, from the best tier's down, one fewer than tiers."""
    graph = Graph("value-tier")
    value, kind = graph.input("value"), graph.input("kind", "string")
    place = graph.label(kind, keys_strings=list(bounds), values_int64s=list(range(len(bounds))), default_int64=0)
    below = [
        graph.op("Less", value, graph.op("Gather", graph.constant([each[at] for each in bounds.values()]), place))
        for at in range(len(tiers) - 1)
    ]
    steps = [graph.op("Cast", each, to=7) for each in below]
    place = steps[0]
    for each in steps[1:]:
        place = graph.op("Add", place, each)
    found = graph.label(place, keys_int64s=list(range(len(tiers))), values_strings=list(tiers), default_string="")
    graph.output("tier", found, "string")
    return graph


def _ratio(graph: Graph, given: Mapping[str, str], pair: tuple[str, str]) -> str:
    upper, lower = given[pair[0]], given[pair[1]]
    nothing = graph.constant(float("nan"))
    return graph.op("Where", graph.op("Greater", lower, 0.0), graph.op("Div", upper, lower), nothing)


def _total(graph: Graph, card: Scorecard, columns: Mapping[str, str]) -> str:
    total = graph.constant([[float(card.base)]])
    for line in card.characteristics:
        total = graph.op("Add", total, _points(graph, line, columns[line.name]))
    return total


def _points(graph: Graph, line: Characteristic, column: str) -> str:
    missing = graph.constant(float(line.missing))
    is_unknown = graph.op("IsNaN", column)
    if not line.bounds:
        return graph.op("Where", is_unknown, missing, float(line.points[0]))
    reached = graph.op("GreaterOrEqual", column, graph.constant([list(line.bounds)]))
    place = graph.row_sum(graph.op("Cast", reached, to=7))
    points = graph.op("Gather", graph.constant([float(each) for each in line.points]), place)
    return graph.op("Where", is_unknown, missing, points)


def _banded(graph: Graph, score: str, ratings: Sequence[tuple[int, str]], lowest: str) -> str:
    bounds = sorted(least for least, _ in ratings)
    names = [lowest, *(code for _, code in sorted(ratings))]
    reached = graph.op("GreaterOrEqual", score, graph.constant([[float(each) for each in bounds]]))
    place = graph.row_sum(graph.op("Cast", reached, to=7))
    return graph.label(place, keys_int64s=list(range(len(names))), values_strings=names, default_string="")


def _is_code(graph: Graph, text: str, code: str) -> str:
    number = graph.label(text, keys_strings=[code], values_int64s=[1], default_int64=0)
    return graph.op("Cast", number, to=11)
