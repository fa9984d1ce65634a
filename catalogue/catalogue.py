"""The catalogue: every attribute of every area, and the version that names this very set."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from types import MappingProxyType

from catalogue.attribute import CLIENTS, Attribute, ClientKind, Sensitivity, Status
from catalogue.errors import ErrorCode, KehuError
from catalogue.kinds import LOOKUP_OPERATORS, PRESENCE_OPERATORS, Kind, Operator
from catalogue.relation import Relation

BOTH_KINDS = frozenset(ClientKind)


class UnknownAttribute(KehuError):
    """No live attribute has this path."""

    code = ErrorCode.UNKNOWN_ATTRIBUTE


def unknown_attribute(path: str) -> UnknownAttribute:
    """The error for a path at which there is nothing, or nothing that the viewer may know of."""
    return UnknownAttribute(f'There is no attribute "{path}". Query `attributes` for the paths that exist.', given=path)


class Catalogue:
    """An unchanging set of attributes, with look-ups by area, path and parent."""

    def __init__(self, attributes: Iterable[Attribute], relations: Iterable[Relation] = ()) -> None:
        self.relations = tuple(relations)
        self.attributes = tuple(sorted(attributes, key=lambda each: (each.area, each.path)))
        self._by_area: dict[str, dict[str, Attribute]] = {}
        self._children: dict[tuple[str, str], list[Attribute]] = {}
        for each in self.attributes:
            self._by_area.setdefault(each.area, {})[each.path] = each
            if each.is_live:
                self._children.setdefault((each.area, each.parent), []).append(each)
        # Asked for every value that is written, and worked out by walking up the path: remembered by path.
        self._live: dict[tuple[str, str], bool] = {}
        self._list_groups: dict[tuple[str, str], Attribute | None] = {}
        self._kinds: dict[tuple[str, str], frozenset[ClientKind]] = {}
        self._restricted: dict[str, Mapping[str, tuple[str, ...]]] = {}
        text = ",".join(each.canonical_text for each in self.attributes)
        self.version = sha256(f"[{text}]".encode()).hexdigest()

    @property
    def areas(self) -> frozenset[str]:
        """The areas whose records the catalogue describes."""
        related = (area for each in self.relations for area in (each.area, each.target))
        return frozenset((CLIENTS, *self._by_area, *related))

    def area(self, area: str = CLIENTS) -> Mapping[str, Attribute]:
        """Every attribute of an area by its path, drafts and retired ones too."""
        return MappingProxyType(self._by_area.get(area, {}))

    def find(self, path: str, area: str = CLIENTS) -> Attribute | None:
        """The attribute at a path, whatever its status."""
        return self._by_area.get(area, {}).get(path)

    def find_named(self, name: str, area: str) -> Attribute | None:
        """The attribute at a path of an area, or of the one that stands before it: `interactions:at`."""
        other, _, path = name.rpartition(":")
        return self.find(path, other or area)

    def get_live(self, path: str, area: str = CLIENTS) -> Attribute:
        """The attribute at a path.

        Raises: UnknownAttribute where there is none, or it is a draft or retired.
        """
        found = self.find(path, area)
        if found is None or not self.is_live(found):
            raise unknown_attribute(path)
        return found

    def is_live(self, attribute: Attribute) -> bool:
        """Whether the attribute and every group around it are in the GraphQL schema."""
        place = (attribute.area, attribute.path)
        known = self._live.get(place)
        if known is None:
            outer = self.find(attribute.parent, attribute.area)
            known = self._live[place] = attribute.is_live and (outer is None or self.is_live(outer))
        return known

    def children(self, parent: str, area: str = CLIENTS) -> tuple[Attribute, ...]:
        """The live attributes directly under a facet or group, in order of their path."""
        return tuple(self._children.get((area, parent), ()))

    def leaves(self, parent: str, area: str = CLIENTS) -> tuple[Attribute, ...]:
        """The live attributes under a facet or group that hold a value of their own.

        A list of groups is one value: it is set, and kept in the history, as a whole.
        """
        found: list[Attribute] = []
        for each in self.children(parent, area):
            found += self.leaves(each.path, area) if each.kind is Kind.GROUP and not each.is_list else (each,)
        return tuple(found)

    def list_group_of(self, attribute: Attribute) -> Attribute | None:
        """The outermost list of groups that an attribute stands in."""
        place = (attribute.area, attribute.path)
        if place not in self._list_groups:
            outer = self.find(attribute.parent, attribute.area)
            further = None if outer is None else self.list_group_of(outer)
            self._list_groups[place] = further or (outer if outer is not None and outer.is_list else None)
        return self._list_groups[place]

    def kinds_with(self, attribute: Attribute) -> frozenset[ClientKind]:
        """The kinds of client that may have the attribute, as its groups narrow them too."""
        place = (attribute.area, attribute.path)
        known = self._kinds.get(place)
        if known is None:
            own = frozenset(attribute.applies_to) or BOTH_KINDS
            outer = self.find(attribute.parent, attribute.area)
            known = self._kinds[place] = own if outer is None else own & self.kinds_with(outer)
        return known

    def sortable(self, area: str = CLIENTS) -> tuple[Attribute, ...]:
        """The live attributes that an index serves, in order of their path; never RESTRICTED ones."""
        rows = self._by_area.get(area, {}).values()
        return tuple(each for each in rows if each.is_sortable and self.is_live(each) and not self.is_restricted(each))

    def is_restricted(self, attribute: Attribute) -> bool:
        """Whether the attribute, or a group around it, is RESTRICTED: its values are stored encrypted."""
        if attribute.sensitivity is Sensitivity.RESTRICTED:
            return True
        outer = self.find(attribute.parent, attribute.area)
        return outer is not None and self.is_restricted(outer)

    def restricted(self, area: str = CLIENTS) -> Mapping[str, tuple[str, ...]]:
        """What is encrypted of each value of an area: the paths inside it, by the path that it is stored at.

        Shape: "" is the value itself; {"profile.taxId": ("",), "profile.keyPeople": ("passport",)}. Drafts and retired
        attributes are in it too, since values of them may be stored.
        """
        known = self._restricted.get(area)
        if known is None:
            found: dict[str, tuple[str, ...]] = {}
            for each in self._by_area.get(area, {}).values():
                if each.kind is not Kind.GROUP and self.is_restricted(each):
                    holder = (self.list_group_of(each) or each).path
                    found[holder] = (*found.get(holder, ()), each.path.removeprefix(holder).lstrip("."))
            known = self._restricted[area] = MappingProxyType(found)
        return known

    def operators(self, attribute: Attribute) -> tuple[Operator, ...]:
        """What a filter may do with the attribute: with a RESTRICTED one, what its keyed hash can answer."""
        if attribute.kind is Kind.GROUP or not self.is_restricted(attribute):
            return attribute.operators
        return LOOKUP_OPERATORS if attribute.is_lookup else PRESENCE_OPERATORS

    def with_attributes(self, changed: Iterable[Attribute]) -> "Catalogue":
        """A catalogue in which the given definitions stand beside or instead of the present ones."""
        present = {(each.area, each.path): each for each in self.attributes}
        present |= {(each.area, each.path): each for each in changed}
        return Catalogue(present.values(), self.relations)

    def owned(self) -> tuple[Relation, ...]:
        """The relations by which records of other areas belong to clients, one for each such area.

        Whoever may not read the client may not read the record; what becomes of the client becomes of the record.
        """
        pointing = (each for each in self.relations if each.target == CLIENTS and each.area != CLIENTS)
        return tuple({each.area: each for each in reversed(tuple(pointing))}.values())[::-1]

    def counts(self, area: str = CLIENTS) -> Mapping[Status, int]:
        """How many attributes stand at each point of their life."""
        rows = self._by_area.get(area, {}).values()
        return {status: sum(each.status is status for each in rows) for status in Status}
