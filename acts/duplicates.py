"""Pairs of clients who are likely one and the same, with the reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from catalogue.attribute import CLIENTS
from catalogue.catalogue import unknown_attribute
from catalogue.filters import Compare, all_of
from catalogue.kinds import Operator
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.compile.duplicates import Sameness, duplicates_pipeline
from repositories.plan import ID, ReadPlan
from repositories.repositories import Repositories

GROUP_LIMIT = 1_000
"""Groups of the same values that one rule answers at a time."""
MEMBER_LIMIT = 10
"""What more clients than this share is a switchboard, a village, a common name."""


class DuplicateRule(StrEnum):
    """What two clients have in common."""

    TAX_NUMBER = "TAX_NUMBER"
    REGISTRATION = "REGISTRATION"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    NAME_AND_CITY = "NAME_AND_CITY"


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One rule: values that are the same, and how much that says."""

    keys: tuple[tuple[str, Sameness], ...]
    score: float
    """How likely two such clients are one, 0 to 1."""
    label: str


RULES: Mapping[DuplicateRule, RuleSpec] = {
    DuplicateRule.TAX_NUMBER: RuleSpec((("profile.taxId", Sameness.LOOKUP),), 0.95, "The same tax number."),
    DuplicateRule.REGISTRATION: RuleSpec(
        (("profile.registrationNumber", Sameness.LOOKUP),), 0.95, "The same number in the register."
    ),
    DuplicateRule.EMAIL: RuleSpec((("profile.email", Sameness.WORDS),), 0.8, "The same e-mail address."),
    DuplicateRule.PHONE: RuleSpec((("profile.phone", Sameness.DIGITS),), 0.7, "The same telephone number."),
    DuplicateRule.NAME_AND_CITY: RuleSpec(
        (("profile.name", Sameness.WORDS), ("profile.location.city", Sameness.WORDS)),
        0.6,
        "The same name in the same city.",
    ),
}
"""All of them; clients of two kinds are never one."""


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two clients who are likely one; the first has the smaller id."""

    ids: tuple[str, str]
    rules: tuple[DuplicateRule, ...]

    @property
    def score(self) -> float:
        """How likely they are one: each reason takes away a part of the doubt that the others leave."""
        doubt = 1.0
        for each in self.rules:
            doubt *= 1 - RULES[each].score
        return round(1 - doubt, 4)

    @property
    def position(self) -> tuple[float, str, str]:
        """Where the pair stands in the list: the likeliest first."""
        return (-self.score, *self.ids)


async def duplicate_clients(
    viewer: Viewer, repositories: Repositories, rule: DuplicateRule | None = None, touched: Touched | None = None
) -> list[DuplicatePair]:
    """The likely duplicates among the clients whom the viewer may read, the likeliest first.

    Only by rules over attributes that the viewer may filter by; a rule that is named must be one of them.
    Raises: UnknownAttribute.
    Cost: one pass over those clients for each rule, in the database; up to 1,000 groups of each.
    """
    found: dict[tuple[str, str], list[DuplicateRule]] = {}
    for each in RULES if rule is None else (rule,):
        closed = next((path for path, _ in RULES[each].keys if not _serves(viewer, repositories, each, path)), None)
        if closed is not None and rule is not None:
            raise unknown_attribute(closed)
        for ids in () if closed is not None else await _groups(viewer, repositories, RULES[each], touched):
            for one, two in combinations(sorted(ids), 2):
                found.setdefault((one, two), []).append(each)
    pairs = [DuplicatePair(ids, tuple(rules)) for ids, rules in found.items()]
    return sorted(pairs, key=lambda pair: pair.position)


def _serves(viewer: Viewer, repositories: Repositories, rule: DuplicateRule, path: str) -> bool:
    """Whether a rule may and can look at a path."""
    attribute = repositories.catalogue.find(path)
    if attribute is None or not repositories.catalogue.is_live(attribute):
        return False
    is_hashed = attribute.is_lookup and repositories.catalogue.is_restricted(attribute)
    wants_hash = dict(RULES[rule].keys)[path] is Sameness.LOOKUP
    return is_hashed is wants_hash and repositories.access.may_filter(viewer, path)


async def _groups(
    viewer: Viewer, repositories: Repositories, spec: RuleSpec, touched: Touched | None
) -> Sequence[Sequence[str]]:
    there = all_of(*(Compare(path, Operator.IS_NULL, False) for path, _ in spec.keys))
    # Authorised as a filter over these values, which it is.
    plan = repositories.access.authorise(ReadPlan(CLIENTS, frozenset((ID,)), there), viewer, touched)
    pipeline = duplicates_pipeline(plan.filter, spec.keys, MEMBER_LIMIT, GROUP_LIMIT)
    rows = await repositories.clients.collection.aggregate(pipeline)
    return [[str(each) for each in row["ids"]] for row in rows]
