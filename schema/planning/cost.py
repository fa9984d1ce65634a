"""What a question costs, before anything runs: documents that may be read, a share for leaves, and a price for scans.

An operation becomes a costing once for what its variables choose; the cost of a request is then a sum over its root
fields. Selections are weighed for one holder and remembered, so each fragment is weighed once for a type, however often
it is spread: the work grows with the document, not with the answer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from itertools import islice

from catalogue.errors import KehuError
from schema.planning.arguments import Variables
from schema.planning.reads import NOTHING, Arguments, Read, Reading, Reads

LEAVES_A_DOCUMENT = 100
SCAN_DOCUMENTS = 100
"""Units: documents. What a read counts besides that no index serves: how much it looks through, nobody knows before."""
PLAN_ROWS = 100
"""Rows of a plan that are shown."""
LARGEST = 2**53 - 1
"""Whole numbers above it are not safe in JSON."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What a selection comes to for one holder; commands of a level are sent once for all holders."""

    documents: int = 0
    leaves: int = 0
    commands: int = 0
    commands_if_many: int = 0
    commands_each: Fraction | int = 0
    scans: int = 0
    """Reads that no index serves; as commands, once for all holders."""

    def plus(self, other: "Weight") -> "Weight":
        return Weight(
            self.documents + other.documents,
            self.leaves + other.leaves,
            self.commands + other.commands,
            self.commands_if_many + other.commands_if_many,
            self.commands_each + other.commands_each,
            self.scans + other.scans,
        )

    def times(self, count: int) -> "Weight":
        """The same under `count` holders."""
        if count == 1:
            return self
        if count == 0:
            return Weight()
        commands = self.commands + self.commands_if_many
        return Weight(self.documents * count, self.leaves * count, commands, 0, self.commands_each * count, self.scans)

    def or_else(self, other: "Weight") -> "Weight":
        """The dearer of two types that one holder may have; the commands of both, for a level may have both."""
        both = self.plus(other)
        return Weight(
            max(self.documents, other.documents),
            max(self.leaves, other.leaves),
            both.commands,
            both.commands_if_many,
            both.commands_each,
            both.scans,
        )


_NONE = Weight()


@dataclass(slots=True)
class Part:
    """A selection on one type, for one holder."""

    weight: Weight = _NONE
    branches: "list[Branch]" = field(default_factory=list)
    """The fields below which something is read."""


@dataclass(slots=True)
class Branch:
    """A field of a part: what it reads, what is selected of its answer, and of each of its items."""

    key: str
    reading: Reading
    once: Part
    each: Part
    holders: int = 1
    """How many holders there are in one record: more than one in a list of groups."""

    @property
    def weight(self) -> Weight:
        own = reduce(Weight.plus, (_weight_of(read) for read in self.reading.reads), self.once.weight)
        return own.plus(self.each.weight.times(self.reading.items)).times(self.holders)

    @property
    def reads(self) -> bool:
        """Whether it, or anything below it, reads."""
        return bool(self.reading.reads or self.once.branches or self.each.branches)


def _weight_of(read: Read) -> Weight:
    return Weight(read.documents, 0, read.commands, read.commands_if_many, read.commands_each, int(read.is_scan))


@dataclass(frozen=True, slots=True)
class Step:
    """A row of a plan: what one field reads from one collection, at most."""

    field: str
    reads: str | None
    documents: int
    commands: int
    index: str | None
    scans: bool


@dataclass(slots=True)
class Cost:
    """The cost of one request."""

    documents: int
    leaves: int
    commands: int
    scans: int
    _branches: list[Branch]

    @property
    def cost(self) -> float:
        """Units: documents; a hundred leaves are one, a scan is a hundred."""
        return round(self.documents + self.leaves / LEAVES_A_DOCUMENT + self.scans * SCAN_DOCUMENTS, 2)

    @property
    def dearest(self) -> str | None:
        """The field that reads most."""
        rows = [(each.documents + SCAN_DOCUMENTS * each.scans, each.field) for each in self.plan()]
        return max(rows, key=lambda row: row[0])[1] if rows else None

    def plan(self) -> list[Step]:
        """The reads in the order of the question, the first hundred of them."""
        return list(islice(_steps(self._branches, "", 1), PLAN_ROWS))


def _steps(branches: Sequence[Branch], path: str, holders: int) -> Iterator[Step]:
    for branch in branches:
        key, count = f"{path}{branch.key}", holders * branch.holders
        for read in branch.reading.reads:
            commands = read.commands + int(read.commands_each * count) + (read.commands_if_many if count > 1 else 0)
            name = f"{key}.{read.part}" if read.part else key
            documents = min(LARGEST, read.documents * count)
            yield Step(name, read.area, documents, min(LARGEST, commands), read.index, read.is_scan)
        yield from _steps(branch.once.branches, f"{key}.", count)
        if branch.reading.items:
            yield from _steps(branch.each.branches, f"{key}.", count * branch.reading.items)


@dataclass(slots=True)
class Root:
    """A root field, whose arguments may differ from request to request."""

    key: str
    arguments: Callable[[Variables], Arguments]
    reads: Reads | None
    names: frozenset[str]
    once: Part
    each: Part

    def branch(self, variables: Variables) -> Branch:
        reading = NOTHING if self.reads is None else reading_of(self.reads, self.arguments(variables), self.names)
        return Branch(self.key, reading, self.once, self.each)


@dataclass(slots=True)
class Costing:
    """An operation, weighed for one choice of its variables."""

    roots: list[Root]
    leaves: int

    def cost(self, variables: Variables) -> Cost:
        """The cost of a request with these variables.

        Raises: Surprise for variables that ordinary execution has an error for.
        Cost: a few microseconds a root field.
        """
        branches = [each.branch(variables) for each in self.roots]
        weight = reduce(Weight.plus, (each.weight for each in branches), Weight(leaves=self.leaves))
        commands = weight.commands + int(weight.commands_each)
        documents, leaves = min(LARGEST, weight.documents), min(LARGEST, weight.leaves)
        return Cost(documents, leaves, min(LARGEST, commands), weight.scans, branches)


def reading_of(reads: Reads, arguments: Arguments, names: frozenset[str]) -> Reading:
    """What a field reads; nothing where its resolver will refuse the arguments."""
    try:
        return reads(arguments, names)
    except KehuError:
        return NOTHING
