"""What one viewer may read and do, from the rule table; `repositories.access` alone applies it."""

from collections.abc import Collection as Some
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from catalogue.attribute import Sensitivity
from catalogue.filters import And, Compare, Filter, Or
from catalogue.kinds import Operator
from policy.approvals import APPROVALS, approval_rows
from policy.files import FILES, file_rows
from policy.jobs import JOBS, job_rows
from policy.rules import SYSTEM_RULE, Policy, Right, RoleRule, RowScope
from policy.scopes import scopes_from
from policy.segments import SEGMENTS, segment_rows
from policy.viewer import INTEGRATION, Viewer

ID = "_id"
SEEN_WITH: Mapping[str, frozenset[Right]] = {
    "grants": frozenset((Right.GRANT_ACCESS, Right.READ_AUDIT)),
    "service_accounts": frozenset((Right.CHANGE_DIRECTORY,)),
}
"""Areas whose records are seen with one of these rights alone."""
SEEN_BY_ALL = frozenset(("managers", "entry_windows"))
"""Areas whose records everybody sees who is signed in."""
_WRITES = {
    "values": Right.CHANGE_CLIENTS,
    "records": Right.RECORD_CONTACTS,
    "attributes": Right.DEFINE_ATTRIBUTES,
    "segments": Right.DEFINE_SEGMENTS,
}
NOBODY = Compare(ID, Operator.IN, ())
"""The predicate that no record meets."""


def rules_of(policy: Policy, viewer: Viewer) -> tuple[RoleRule, ...]:
    """The rules of a viewer's roles, in the order of the table."""
    if SYSTEM_RULE.role in viewer.roles:
        return (SYSTEM_RULE,)
    if viewer.scopes is not None:
        return (_rule_of(viewer.scopes, tuple(policy.purposes)),)
    return tuple(each for each in policy.rules if each.role in viewer.roles)


@lru_cache(maxsize=500)
def _rule_of(scopes: frozenset[str], purposes: tuple[str, ...]) -> RoleRule:
    """The rule of a service account."""
    given = scopes_from(scopes)
    rows = RowScope.GRANTED if given.is_granted_clients else RowScope.NONE
    if given.teams or given.regions:
        rows = RowScope.TEAM
    is_restricted = given.sensitivity is Sensitivity.RESTRICTED
    return RoleRule(
        role=INTEGRATION,
        rows=RowScope.ALL if given.is_all_clients else rows,
        sensitivity=Sensitivity.CONFIDENTIAL if is_restricted else given.sensitivity,
        purposes=purposes if is_restricted else (),
        rights=frozenset(_WRITES[each] for each in given.writes),
    )


def reading_rules(rules: Iterable[RoleRule]) -> tuple[RoleRule, ...]:
    """The rules that let somebody see clients at all: the others neither widen nor narrow what is seen of them."""
    return tuple(each for each in rules if each.rows is not RowScope.NONE or each.group_rows is not None)


def rights_of(rules: Iterable[RoleRule]) -> frozenset[Right]:
    """What the rules allow together."""
    return frozenset().union(*(each.rights for each in rules))


def client_rows(rules: Iterable[RoleRule], viewer: Viewer, right: Right | None = None) -> Filter | None:
    """The clients that a viewer may read; those that he may act on, where a right is named. None: all of them."""
    able = [each for each in rules if right is None or right in each.rights]
    return _rows((each.rows for each in able), viewer) if able else NOBODY


def area_rows(
    area: str,
    rules: Sequence[RoleRule],
    viewer: Viewer,
    unusable: Some[str] = frozenset(),
    *,
    is_owned: bool = False,
    reads_all: bool = True,
) -> Filter | None:
    """The records of an area beside the clients that a viewer may read; None: all of them.

    `unusable` are the paths of clients that the viewer may use in no predicate; `reads_all` says whether they read all
    that anything is computed from. Records that belong to clients (`is_owned`) are seen with them. An area that no rule
    is about is seen by nobody.
    """
    if area == APPROVALS:
        return approval_rows(viewer)
    if area == FILES:
        return file_rows(viewer)
    if area == JOBS:
        return job_rows(viewer, rights_of(rules), reads_all=reads_all)
    if area == SEGMENTS:
        return segment_rows(unusable) if reading_rules(rules) else NOBODY
    is_seen = is_owned or area in SEEN_BY_ALL or not SEEN_WITH.get(area, frozenset()).isdisjoint(rights_of(rules))
    return None if is_seen else NOBODY


def group_rows(rules: Iterable[RoleRule], viewer: Viewer) -> Filter | None:
    """The clients that are counted in a viewer's groups; None: all of them."""
    return _rows((each.group_rows or each.rows for each in rules), viewer)


def _territories(viewer: Viewer) -> tuple[tuple[str, frozenset[str]], ...]:
    """The teams and regions that a service account was given."""
    if viewer.scopes is None:
        return ()
    given = scopes_from(viewer.scopes)
    return tuple((path, names) for path, names in (("team", given.teams), ("region", given.regions)) if names)


def is_within(rows: Filter | None, record: Mapping[str, object]) -> bool:
    """Whether a record, by its core fields, is among the rows of a decision."""
    match rows:
        case None:
            return True
        case Compare(path, Operator.EQ, value):
            return record.get(path) == value
        case Compare(path, Operator.IN, tuple() as values):
            return record.get(path) in values
        case Compare(path, Operator.NOT_IN, tuple() as values):
            return record.get(path) not in values
        case And(parts):
            return all(is_within(each, record) for each in parts)
        case Or(parts):
            return any(is_within(each, record) for each in parts)
        case _:
            raise ValueError(f"no decision has rows such as {rows}")


def _rows(scopes: Iterable[RowScope], viewer: Viewer) -> Filter | None:
    wanted = set(scopes)
    # A wall stands before everything else, whoever has opened what.
    wall = Compare(ID, Operator.NOT_IN, tuple(sorted(viewer.walled))) if viewer.walled else None
    if RowScope.ALL in wanted:
        return wall
    parts: list[Filter] = []
    for scope, path, value in (
        (RowScope.OWN, "managerId", viewer.manager_id),
        (RowScope.TEAM, "team", viewer.team),
        (RowScope.REGION, "region", viewer.region),
    ):
        if scope in wanted and value is not None:
            parts.append(Compare(path, Operator.EQ, value))
    for path, names in _territories(viewer):
        parts.append(Compare(path, Operator.IN, tuple(sorted(names))))
    if viewer.granted and wanted - {RowScope.NONE}:
        parts.append(Compare(ID, Operator.IN, tuple(sorted(viewer.granted))))
    if not parts:
        return NOBODY
    seen = Or(tuple(parts)) if len(parts) > 1 else parts[0]
    return seen if wall is None else And((seen, wall))
