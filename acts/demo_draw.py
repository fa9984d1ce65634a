"""Draws for the demonstration book: the same seed gives the same book on every machine."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import exp
from random import Random
from typing import TypeVar

Item = TypeVar("Item")
Values = dict[str, object]

REFERENCE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
"""The day on which the book was "written"; a clock would make every book another one."""


class Draw:
    """Random picks, amounts and days from one stream."""

    def __init__(self, seed: int) -> None:
        stream = Random(seed)
        self.share = stream.random
        self.gauss = stream.gauss

    def chance(self, probability: float) -> bool:
        return self.share() < probability

    def pick(self, items: Sequence[Item]) -> Item:
        return items[int(self.share() * len(items))]

    def weighted(self, items: dict[Item, float]) -> Item:
        """One key, as likely as its weight says. Units: the weights add up to 1."""
        left = self.share()
        for item, weight in items.items():
            left -= weight
            if left < 0:
                return item
        return item

    def some(self, items: Sequence[Item], least: int, most: int) -> list[Item]:
        """Different items, in the order of the sequence they come from."""
        share, size = self.share, len(items)
        count = min(self.whole(least, most), size)
        chosen: set[int] = set()
        while len(chosen) < count:
            chosen.add(int(share() * size))
        return [items[index] for index in sorted(chosen)]

    def whole(self, least: int, most: int) -> int:
        return least + int(self.share() * (most - least + 1))

    def within(self, least: float, most: float, digits: int = 2) -> float:
        return round(least + self.share() * (most - least), digits)

    def near(self, middle: float, spread: float) -> float:
        """A positive amount around the middle; a spread of 0.3 keeps two of three within about 30 %."""
        return middle * exp(self.gauss(0.0, spread))

    def day_ago(self, least: int, most: int) -> date:
        return (REFERENCE - timedelta(days=self.whole(least, most))).date()

    def moment_ago(self, least_days: int, most_days: int) -> datetime:
        return REFERENCE - timedelta(days=self.whole(least_days, most_days), minutes=self.whole(0, 540))


def clipped(value: float, least: float, most: float) -> float:
    """The value, or the bound that it passes."""
    return float(least if value < least else most if value > most else value)


def rough(value: float) -> float:
    """The value with four leading digits, as people state amounts."""
    return float(f"{value:.3e}")


def money(value: float) -> Decimal:
    """The amount with two decimal places."""
    return Decimal(round(value * 100)).scaleb(-2)
