"""Which attributes a set of rules lets through, area by area: worked out once for a catalogue and a set of roles."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from hashlib import blake2b

from catalogue.attribute import CLIENTS, Attribute, Facet, Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from policy.rules import LEVELS, RoleRule

TEXT_KINDS = frozenset((Kind.STRING, Kind.TEXT, Kind.EMAIL, Kind.PHONE, Kind.URL))
"""Kinds whose values can be shown by their last signs."""


@dataclass(frozen=True, slots=True)
class AreaView:
    """What may be seen of the attributes of one area; what is named nowhere here is read as it is."""

    hidden: frozenset[str] = frozenset()
    """Paths that are as good as unknown."""
    masked: frozenset[str] = frozenset()
    """Paths of which the last signs are shown, and which serve for nothing else."""
    parted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Groups of which only a part may be read, with the paths of that part."""

    closed: frozenset[str] = frozenset()
    """Paths whose values are not shown whole: the hidden and masked ones, and lists of groups with such a part."""
    sealed: frozenset[str] = frozenset()
    """Paths that may not be written: the closed ones, but for those that may be entered without being read."""
    is_closed: bool = False
    """Whether no attribute of the area may be read, so that its records are as if they were not there."""

    unusable: frozenset[str] = field(init=False)
    """Paths that no predicate, order, group or search may look at; joined once, for every plan is held against them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "unusable", self.hidden | self.masked)


@dataclass(frozen=True, slots=True)
class AttributeView:
    """What may be seen of all attributes."""

    areas: Mapping[str, AreaView]
    key: str
    """The same for the same view, whoever has it."""

    def area(self, area: str) -> AreaView:
        return self.areas.get(area, EVERYTHING)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is kept back."""
        return not any(each.hidden or each.masked for each in self.areas.values())


EVERYTHING = AreaView()


def attribute_view(catalogue: Catalogue, rules: Sequence[RoleRule], purpose: str | None) -> AttributeView:
    """What may be seen under all of these rules at once; nothing where there is none.

    Several roles see together what each of them sees: the attributes of one are not for the clients of another.
    """
    areas: dict[str, AreaView] = {}
    # What each rule closes of the records that point at clients closes what is computed from them.
    elsewhere: list[set[str]] = [set() for _ in rules]
    for area in sorted({each.area for each in catalogue.attributes}, key=lambda each: (each == CLIENTS, each)):
        rows = catalogue.area(area)
        views = [
            _area_view(catalogue, rows.values(), each, purpose, closed_there)
            for each, closed_there in zip(rules, elsewhere, strict=True)
        ]
        for closed_there, (unread, shortened) in zip(elsewhere, views, strict=True):
            closed_there.update(f"{area}:{path}" for path in unread | shortened)
        hidden = frozenset().union(*(each[0] for each in views)) if views else frozenset(rows)
        masked = frozenset().union(*(each[1] for each in views)) - hidden
        if hidden or masked:
            lists = {outer.path for path in hidden | masked if (outer := catalogue.list_group_of(rows[path]))}
            closed = hidden | masked | lists
            entered = frozenset(each for each in closed - lists if _is_entered(catalogue, rows[each], rules))
            is_closed = hidden == rows.keys()
            areas[area] = AreaView(hidden, masked, _parted(rows, hidden), closed, closed - entered, is_closed)
    words = repr(
        [(area, sorted(each.hidden), sorted(each.masked), sorted(each.sealed)) for area, each in sorted(areas.items())]
    )
    return AttributeView(areas, blake2b(words.encode(), digest_size=12).hexdigest() if areas else "")


def _area_view(
    catalogue: Catalogue,
    attributes: Iterable[Attribute],
    rule: RoleRule,
    purpose: str | None,
    elsewhere: Set[str] = frozenset(),
) -> tuple[frozenset[str], frozenset[str]]:
    """The paths that a rule hides, and those that it masks."""
    levels: dict[str, Sensitivity] = {}
    hidden: set[str] = set()
    masked: set[str] = set()
    groups: list[Attribute] = []
    # By path, so that what holds an attribute comes before it.
    for each in sorted(attributes, key=lambda each: each.path):
        outer = levels.get(each.parent)
        level = each.sensitivity if outer is None else max(outer, each.sensitivity, key=LEVELS.index)
        levels[each.path] = level
        if each.kind is Kind.GROUP and not each.is_list:
            groups.append(each)
            continue
        within = catalogue.list_group_of(each)
        if _is_under(each.qualified, rule.deny) or (within is not None and within.path in hidden):
            hidden.add(each.path)
        elif not _is_read(each, level, rule, purpose):
            is_masked = each.kind in TEXT_KINDS and _is_under(each.qualified, rule.mask)
            (masked if is_masked else hidden).add(each.path)
    _hide_derived(attributes, hidden, masked, elsewhere)
    for group in reversed(groups):
        inner = [each.path for each in catalogue.area(group.area).values() if each.parent == group.path]
        is_empty_and_secret = not inner and not _is_read(group, levels[group.path], rule, purpose)
        if (inner and hidden.issuperset(inner)) or is_empty_and_secret:
            hidden.add(group.path)
    return frozenset(hidden), frozenset(masked)


def _hide_derived(attributes: Iterable[Attribute], hidden: set[str], masked: set[str], elsewhere: Set[str]) -> None:
    """Hide what is computed from something that is not read whole, and what is computed from that."""
    waiting = [each for each in attributes if each.derived_from and each.path not in hidden]
    closed = hidden | masked | elsewhere
    found = True
    while found:
        found = False
        for each in waiting:
            if each.path not in hidden and not closed.isdisjoint(each.derived_from):
                hidden.add(each.path)
                masked.discard(each.path)
                closed.add(each.path)
                found = True


def _is_read(attribute: Attribute, level: Sensitivity, rule: RoleRule, purpose: str | None) -> bool:
    if level is Sensitivity.RESTRICTED and purpose not in rule.purposes and rule.sensitivity is not level:
        return False
    if _is_under(attribute.qualified, rule.allow):
        return True
    most = rule.sensitivity
    if attribute.area == CLIENTS:
        most = rule.facets.get(Facet(attribute.segments[0]), most)
    if most is None:
        return False
    # RESTRICTED is no person's level: the purpose opens it to whoever reads what is just below it.
    needed = Sensitivity.CONFIDENTIAL if level is Sensitivity.RESTRICTED else level
    return LEVELS.index(needed) <= LEVELS.index(most)


def _is_entered(catalogue: Catalogue, attribute: Attribute, rules: Sequence[RoleRule]) -> bool:
    """Whether each of the rules lets its people write a value that they do not read."""
    is_value = attribute.kind is not Kind.GROUP and catalogue.list_group_of(attribute) is None
    return bool(rules) and is_value and all(_is_under(attribute.qualified, each.enter) for each in rules)


def _is_under(path: str, outer: Iterable[str]) -> bool:
    return any(path == each or path.startswith(f"{each}.") for each in outer)


def _parted(rows: Mapping[str, Attribute], hidden: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    """The groups of which a part is hidden, each with the paths under it that hold something to be read."""
    groups = {path for each in hidden for path in outer_paths(each) if path not in hidden}
    leaves = [each for path, each in rows.items() if path not in hidden and each.kind is not Kind.GROUP]
    return {
        group: tuple(each.path for each in leaves if each.path.startswith(f"{group}."))
        for group in sorted(groups)
    }  # fmt: skip


def outer_paths(path: str) -> list[str]:
    """The paths of everything that a path stands in, outermost first."""
    words = path.split(".")
    return [".".join(words[:count]) for count in range(1, len(words))]
