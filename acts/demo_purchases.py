"""Purchases of the demonstration book: each client buys at a rate of its own until one day it stops."""

from datetime import timedelta
from random import Random

from acts.demo_draw import REFERENCE, Values, money

SEED = 20261121
_WEEKS = {"ACTIVE": (8, 200), "DORMANT": (60, 260), "LOST": (90, 300)}
"""How long ago the first purchase was, by stage."""
_EARNED = {"ORGANISATION": 9_000.0, "PERSON": 420.0}
"""What the bank earns by a purchase in the middle. Units: CNY."""


def purchases(number: int, kind: str, stage: str) -> Values:
    """What the bank sold to one client; nothing to a prospect.

    They follow from the client's number alone, so that the rest of the book is what it would be without them.
    """
    if stage not in _WEEKS:
        return {}
    stream = Random(SEED + number)
    age = stream.uniform(*_WEEKS[stage])
    rate, leaving = stream.gammavariate(0.9, 1 / 18), stream.betavariate(0.9, 5)
    mean = _EARNED[kind] * 2.8 / stream.gammavariate(3.8, 1.0)
    at, days, amounts = 0.0, [0], [stream.gammavariate(6.0, mean / 6.0)]
    while (at := at + stream.expovariate(rate)) <= age:
        days.append(round(at * 7))
        amounts.append(stream.gammavariate(6.0, mean / 6.0))
        if stream.random() < leaving:
            break
    first = REFERENCE.date() - timedelta(weeks=age)
    repeated = amounts[1:] or amounts
    return {
        "count": len(days),
        "firstOn": first,
        "lastOn": first + timedelta(days=days[-1]),
        "averageAmount": money(sum(repeated) / len(repeated)),
    }
