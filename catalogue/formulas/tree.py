"""A checked expression as a tree; what MongoDB is told is made of it by `repositories.compile.formula`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from catalogue.formulas.types import Type


@dataclass(frozen=True, slots=True)
class Node:
    """Something that has a value."""

    type: Type

    def parts(self) -> tuple["Node", ...]:
        """What it is made of."""
        return ()


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A value that stands in the formula."""

    value: object


@dataclass(frozen=True, slots=True)
class Read(Node):
    """A value of the client, by its path."""

    path: str


@dataclass(frozen=True, slots=True)
class Now(Node):
    """The moment of the computation."""


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """The value of a variable, or of an attribute in the item of a list of groups that it stands for."""

    name: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Items(Node):
    """A list whose items are written one by one."""

    items: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, slots=True)
class Call(Node):
    """An operator with its arguments; constants are those that have to be known beforehand, by name or place."""

    operator: str
    arguments: tuple[Node, ...]
    names: tuple[str, ...] = ()
    """The names of the arguments, where they have any."""
    constants: Mapping[str, object] = field(default_factory=dict)

    def parts(self) -> tuple[Node, ...]:
        return self.arguments


@dataclass(frozen=True, slots=True)
class Switch(Node):
    """The value of the first branch whose case holds; otherwise the default."""

    branches: tuple[tuple[Node, Node], ...]
    default: Node

    def parts(self) -> tuple[Node, ...]:
        return (*(each for branch in self.branches for each in branch), self.default)


@dataclass(frozen=True, slots=True)
class Let(Node):
    """A value that is worked out with some variables."""

    variables: tuple[tuple[str, Node], ...]
    body: Node

    def parts(self) -> tuple[Node, ...]:
        return (*(each for _, each in self.variables), self.body)


@dataclass(frozen=True, slots=True)
class Loop(Node):
    """What becomes of a list: $map, $filter or $reduce."""

    operator: str
    source: Node
    variable: str
    body: Node
    initial: Node | None = None

    def parts(self) -> tuple[Node, ...]:
        return (self.source, self.body) if self.initial is None else (self.source, self.initial, self.body)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    for each in node.parts():
        yield from walk(each)
