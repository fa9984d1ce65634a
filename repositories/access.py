"""The one place where a policy's decision meets a plan."""

from collections import OrderedDict
from collections.abc import Collection as Some
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from catalogue.attribute import CLIENTS, Sensitivity
from catalogue.catalogue import Catalogue, unknown_attribute
from catalogue.errors import ErrorCode, KehuError, Refused
from catalogue.filter_codes import Codes, code_problems, codes_of
from catalogue.filters import Filter, all_of, named_paths, paths_of
from policy.attributes import EVERYTHING, AreaView, AttributeView, attribute_view
from policy.decision import NOBODY, area_rows, client_rows, group_rows, is_within, reading_rules, rights_of, rules_of
from policy.jobs import JOBS
from policy.rules import Policy, Right, RoleRule, Unreadable
from policy.viewer import Viewer
from repositories.compile.changes import proof_key
from repositories.compile.derivations import NEXT
from repositories.compile.past import Past, past_from
from repositories.compile.pointing import reference_keys, references_by_area
from repositories.compile.references import Pointing
from repositories.compile.usable import usable
from repositories.plan import ReadPlan
from repositories.veil import Veil

VIEWS_KEPT = 100
"""Sets of roles and purposes whose view of the attributes is remembered."""
SELECTIONS_KEPT = 2_000


class NotAllowed(KehuError):
    """The viewer may not do this."""

    code = ErrorCode.NOT_ALLOWED


@dataclass(slots=True)
class Touched:
    """What one request has met of the book, for the audit."""

    records: dict[str, set[str]] = field(default_factory=dict)
    """Ids by area."""
    paths: dict[str, set[str]] = field(default_factory=dict)
    """Paths by area."""
    hidden: set[str] = field(default_factory=set)
    """Paths that were selected and not read, because the viewer may not."""
    restricted: int = 0
    """How many RESTRICTED values were read, at most: the records with each such path that was selected."""
    refusals: list[str] = field(default_factory=list)
    """The codes with which mutations were refused."""
    changes: set[str] = field(default_factory=set)
    """Changes that were made, or found to have been made by the same request before: `<record>:<sequence>`."""
    changed: set[str] = field(default_factory=set)
    """Ids of the records that these are changes of, and of the clients whom the records belong to."""
    written: set[str] = field(default_factory=set)
    """Paths that were set or cleared; those of other areas than clients behind the area's name."""

    def note(self, area: str, ids: Iterable[str], restricted_each: int = 0) -> None:
        """Records that were read or changed, with so many RESTRICTED values each."""
        met = self.records.setdefault(area, set())
        before = len(met)
        met.update(ids)
        self.restricted += (len(met) - before) * restricted_each

    def note_change(self, area: str, record_id: str, sequence: int, paths: Iterable[str], owner: str | None) -> None:
        """A change of a record, and of the client it belongs to."""
        self.changes.add(f"{record_id}:{sequence}")
        self.changed.update((record_id,) if owner is None else (record_id, owner))
        self.written.update(paths if area == CLIENTS else (f"{area}.{each}" for each in paths))


@dataclass(frozen=True, slots=True)
class AuthorisedPlan:
    """A plan that may be read: made by `Access.authorise` alone, and the only kind that a repository reads."""

    plan: ReadPlan
    filter: Filter | None
    """The rows allowed and the rows asked for, both."""
    principal: str
    """Cursors are bound to it."""
    rows: Filter | None = None
    """The rows allowed alone: an index may serve them."""
    owners: Filter | None = None
    """The rows allowed of the clients that the records belong to, where they have no rows of their own."""
    asked: Filter | None = None
    """The rows asked for alone: cursors are bound to them, so that a page goes on when the rows allowed change."""
    veil: Veil | None = None
    """What is taken off the documents after they were read."""
    touched: Touched | None = None
    floor: int = 0
    """Groups of fewer records are left out."""
    restricted: int = 0
    """How many RESTRICTED paths are read of each record."""
    sealed: tuple[str, ...] = ()
    """The selected paths whose values are stored encrypted."""
    past: Past | None = None
    """What is taken back, where clients are read as of a moment."""
    asked_then: Filter | None = None
    """The rows asked for as of a moment, as the database is asked for them; None where that is as they were asked."""
    pointing: Pointing | None = None
    """What it has to do with references to clients, for somebody who may not see all of them."""


@dataclass(frozen=True, slots=True)
class _Selection:
    """The paths of a selection that may be read."""

    paths: frozenset[str]
    hidden: frozenset[str]
    veil: Veil | None
    restricted: int = 0
    sealed: tuple[str, ...] = ()


class Access:
    """The policy on one catalogue: who may read and do what.

    Cost: what depends on the roles alone is worked out once for them; a plan costs a look-up and its rows.
    """

    def __init__(self, policy: Policy, catalogue: Catalogue) -> None:
        self.policy = policy
        self._catalogue = catalogue
        self._restricted = _restricted_paths(catalogue)
        self._owned = frozenset(each.area for each in catalogue.owned())
        self._views: OrderedDict[object, AttributeView] = OrderedDict()
        self._catalogues: dict[str, Catalogue] = {}
        self._selections: OrderedDict[object, _Selection] = OrderedDict()
        self._sealed: dict[str, tuple[str, ...]] = {}
        self._codes: dict[str, Codes] = {}
        self._references = references_by_area(catalogue)
        self._reference_keys = reference_keys(catalogue)

    def view(self, viewer: Viewer) -> AttributeView:
        """What the viewer may see of the attributes."""
        key = self.seen_alike(viewer)
        found = self._views.get(key)
        if found is None:
            rules = reading_rules(rules_of(self.policy, viewer))
            found = self._views[key] = attribute_view(self._catalogue, rules, viewer.purpose)
            if len(self._views) > VIEWS_KEPT:
                self._views.popitem(last=False)
        return found

    def seen_alike(self, viewer: Viewer) -> tuple[object, ...]:
        """What those have in common who see the same attributes; a purpose that nobody has thought of is none.

        Else whoever names a new one with each request would push out what is remembered for everybody.
        """
        purpose = viewer.purpose if viewer.purpose in self.policy.purposes else None
        return viewer.roles, viewer.scopes, purpose

    def catalogue(self, viewer: Viewer) -> Catalogue:
        """The catalogue that a viewer's selections are read by.

        Where the policy says so, it is without what he may not read: that is then as good as unknown.
        """
        view = self.view(viewer)
        if self.policy.unreadable is Unreadable.NULL or view.is_whole:
            return self._catalogue
        found = self._catalogues.get(view.key)
        if found is None:
            kept = [each for each in self._catalogue.attributes if each.path not in view.area(each.area).hidden]
            found = self._catalogues[view.key] = Catalogue(kept, self._catalogue.relations)
        return found

    def authorise(self, plan: ReadPlan, viewer: Viewer, touched: Touched | None = None) -> AuthorisedPlan:
        """The plan, narrowed to what the viewer may read.

        Raises: UnknownAttribute for a predicate, an order or a group over what the viewer may not read; Refused for
        codes that do not exist.
        """
        view = self.view(viewer)
        seen = view.area(plan.area)
        selection = self._selection(view, plan.area, plan.paths)
        narrowed = plan if selection.paths == plan.paths else replace(plan, paths=selection.paths)
        if seen.hidden or seen.masked:
            narrowed = usable(narrowed, seen)
        # After what may not be used: of that no option is told.
        if narrowed.filter is not None and (problems := code_problems(self._codes_of(plan.area), narrowed.filter)):
            raise Refused(problems)
        rules = rules_of(self.policy, viewer)
        clients = group_rows(rules, viewer) if plan.grouped else client_rows(rules, viewer)
        is_owned = plan.area in self._owned
        rows = clients if plan.area == CLIENTS else self._area_rows(plan.area, rules, viewer, view)
        floor = self.policy.group_floor if plan.grouped and clients != client_rows(rules, viewer) else 0
        past = self._past(narrowed, seen) if narrowed.as_of is not None else None
        visible = client_rows(rules, viewer) if plan.area in self._references else None
        if touched is not None:
            if selection.hidden:
                touched.hidden |= {each if plan.area == CLIENTS else f"{plan.area}.{each}" for each in selection.hidden}
            met = touched.paths.setdefault(plan.area, set())
            met.update(selection.paths, named_paths(plan.filter), plan.grouped, (each.path for each in plan.order))
            # What was is read from the history.
            met.update(("tail",) if past else ())
        return AuthorisedPlan(
            narrowed,
            all_of(NOBODY if self.is_closed(plan.area, viewer) else rows, narrowed.filter),
            viewer.person,
            rows,
            clients if is_owned else None,
            narrowed.filter,
            selection.veil,
            touched,
            floor,
            selection.restricted,
            selection.sealed,
            past,
            pointing=None if visible is None else self._pointing(narrowed, visible),
        )

    def is_closed(self, area: str, viewer: Viewer) -> bool:
        """Whether records that belong to clients are as if they were not there: no attribute of them may be read."""
        return area in self._owned and self.view(viewer).area(area).is_closed

    def _area_rows(self, area: str, rules: Sequence[RoleRule], viewer: Viewer, view: AttributeView) -> Filter | None:
        unusable = view.area(CLIENTS).unusable
        # Nothing is computed from RESTRICTED values.
        reads_all = area != JOBS or unusable <= self.restricted(CLIENTS)
        return area_rows(area, rules, viewer, unusable, is_owned=area in self._owned, reads_all=reads_all)

    def _pointing(self, plan: ReadPlan, visible: Filter) -> Pointing | None:
        """What a plan has to do with references; None where it has nothing."""
        references = self._references[plan.area]
        shown = tuple(each for each in references if _covers(plan.paths, each))
        named = paths_of(plan.filter)
        asked = {path: is_list for path, is_list in references.items() if path in named}
        return Pointing(visible, shown, asked) if shown or asked else None

    def references(self, viewer: Viewer) -> frozenset[str]:
        """The paths of clients at which there may be references to clients whom the viewer may not see."""
        return frozenset() if self.rows(viewer) is None else frozenset(self._references.get(CLIENTS, ()))

    def reference_keys(self, viewer: Viewer) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        """Where in what a change of a client sets there may be references to clients whom the viewer may not see.

        Shape: by the path that a change sets, what leads from there to each reference; nothing to a reference itself.
        """
        return {} if self.rows(viewer) is None else self._reference_keys

    def _past(self, plan: ReadPlan, seen: AreaView) -> Past:
        """Raises: NotAsOf for what is known of the present alone."""
        looked_at = named_paths(plan.filter) | plan.grouped | {each.path for each in plan.order}
        return replace(past_from(self._catalogue, plan, looked_at), is_partial=bool(seen.unusable))

    def holds_beside(self, newer: "Access", viewer: Viewer) -> bool:
        """Whether somebody may go on by this one now that there is a newer one: nothing is decided otherwise for them.

        What is new, or gone from the catalogue, is no matter of the policy.
        """
        if newer is self:
            return True
        ours, theirs = self.policy, newer.policy
        if rules_of(ours, viewer) != rules_of(theirs, viewer):
            return False
        if (ours.unreadable, ours.group_floor) != (theirs.unreadable, theirs.group_floor):
            return False
        seen, now = self.view(viewer), newer.view(viewer)
        return not any(
            path not in seen.area(area).hidden and (path in each.hidden or path not in seen.area(area).masked)
            for area, each in now.areas.items()
            for path in each.unusable
            if self._catalogue.find(path, area) is not None
        )

    def rows(self, viewer: Viewer, right: Right | None = None) -> Filter | None:
        """The clients that a viewer may read, or act on, to stand in the command itself."""
        return client_rows(rules_of(self.policy, viewer), viewer, right)

    def rights(self, viewer: Viewer) -> frozenset[Right]:
        """What the viewer may do at all."""
        return rights_of(rules_of(self.policy, viewer))

    def restricted(self, area: str) -> frozenset[str]:
        """The RESTRICTED paths of an area."""
        return self._restricted.get(area, frozenset())

    def may_filter(self, viewer: Viewer, path: str) -> bool:
        """Whether a client may be found by what stands at a path, all of it."""
        seen = self.view(viewer).area(CLIENTS)
        return path not in seen.closed and path not in seen.parted

    def purposes(self, viewer: Viewer) -> list[str]:
        """The purposes with which the viewer reads RESTRICTED attributes."""
        rules = reading_rules(rules_of(self.policy, viewer))
        shared = set(self.policy.purposes).intersection(*(each.purposes for each in rules)) if rules else set()
        return sorted(shared)

    def require(self, viewer: Viewer, *rights: Right) -> None:
        """Raises: NotAllowed, where the viewer has none of these rights."""
        if self.rights(viewer).isdisjoint(rights):
            able = [each.role for each in self.policy.rules if not each.rights.isdisjoint(rights)]
            roles = ", ".join(sorted(viewer.roles)) or "none"
            raise NotAllowed(
                f"This takes the right {' or '.join(rights)}, which your roles ({roles}) do not give. "
                f"These do: {', '.join(able) or 'none'}.",
                given=roles,
                expected=", ".join(able) or None,
            )

    def own_manager(self, viewer: Viewer) -> str | None:
        """The manager of a new client of whom nobody says whose it is: the viewer, unless all clients are his."""
        return None if self.rows(viewer) is None else viewer.manager_id

    def is_in_book(self, viewer: Viewer, right: Right, record: Mapping[str, object]) -> bool:
        """Whether the viewer may act on a client by his roles alone: a grant is no place in a book."""
        bare = replace(viewer, granted=frozenset())
        return is_within(self.rows(bare, right), record) and is_within(self.rows(bare), record)

    def require_within(self, viewer: Viewer, right: Right, record: Mapping[str, object]) -> None:
        """Raises: NotAllowed, where a record as it is to be would not be in the book that the viewer may act on."""
        if not self.is_in_book(viewer, right, record):
            manager = record.get("managerId")
            raise NotAllowed(
                f"A client of the manager {manager} would not be one that you may change; "
                "leave managerId out, or name a manager whose clients you may change.",
                path=("managerId",),
                given=str(manager),
            )

    def refuse_sealed(self, viewer: Viewer, area: str, paths: Iterable[str]) -> None:
        """What may not be read may not be written either: whether it changed would tell what it was.

        Raises: UnknownAttribute, in the words for an attribute that is not there.
        """
        sealed = self.view(viewer).area(area).sealed
        for path in sorted(paths):
            if path in sealed:
                raise unknown_attribute(path)

    def _selection(self, view: AttributeView, area: str, paths: frozenset[str]) -> _Selection:
        seen = view.area(area)
        secret = self._restricted.get(area)
        if not paths or (seen is EVERYTHING and secret is None):
            return _Selection(paths, frozenset(), None)
        key = (view.key, area, paths)
        found = self._selections.get(key)
        if found is None:
            found = _selection(seen, paths, secret or frozenset())
            sealed = tuple(each for each in self._sealed_of(area) if _covers(found.paths, each))
            found = self._selections[key] = replace(found, sealed=sealed) if sealed else found
            if len(self._selections) > SELECTIONS_KEPT:
                self._selections.popitem(last=False)
        return found

    def _codes_of(self, area: str) -> Codes:
        """The codes that a predicate may name, worked out once."""
        found = self._codes.get(area)
        if found is None:
            found = self._codes[area] = codes_of(self._catalogue, area)
        return found

    def _sealed_of(self, area: str) -> tuple[str, ...]:
        """The paths of the values that are stored encrypted."""
        if area not in self._sealed:
            inside = self._catalogue.restricted(area).items()
            paths = (f"{path}.{each}" if each else path for path, parts in inside for each in parts)
            self._sealed[area] = tuple(paths)
        return self._sealed[area]


def _restricted_paths(catalogue: Catalogue) -> dict[str, frozenset[str]]:
    """The RESTRICTED paths of each area that has any, with what stands in RESTRICTED groups."""
    found: dict[str, set[str]] = {}
    for each in catalogue.attributes:
        if each.sensitivity is Sensitivity.RESTRICTED or each.parent in found.get(each.area, ()):
            found.setdefault(each.area, set()).add(each.path)
    return {area: frozenset(paths) for area, paths in found.items()}


def _selection(seen: AreaView, paths: frozenset[str], secret: frozenset[str]) -> _Selection:
    readable: set[str] = set()
    hidden: set[str] = set()
    # Beside a hidden value stand its proof and, while its formula is changed, what it will be.
    proofs = {f"{holder}.{proof_key(each)}" for each in seen.hidden for holder in ("proof", NEXT)}
    for path in paths:
        if path in seen.hidden:
            hidden.add(path)
        elif path in seen.parted:
            readable.update(seen.parted[path])
        elif path not in proofs:
            readable.add(path)
    masks = tuple(sorted(each for each in seen.masked if _covers(readable, each)))
    # What is left of a group when all that was set in it is hidden must not tell that something was.
    groups = tuple(sorted((each for each in seen.parted if _reaches(readable, each)), reverse=True))
    veil = Veil(masks, groups) if masks or groups else None
    restricted = sum(_covers(readable, each) for each in secret if each not in seen.unusable)
    return _Selection(frozenset(readable), frozenset(hidden), veil, restricted)


def _covers(paths: Some[str], path: str) -> bool:
    return any(path == each or path.startswith(f"{each}.") for each in paths)


def _reaches(paths: Some[str], group: str) -> bool:
    return any(each.startswith(f"{group}.") for each in paths)
