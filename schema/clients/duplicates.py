"""`duplicateClients`: who is likely in the book twice."""

from collections.abc import Callable
from typing import Any

import strawberry

from acts.duplicates import RULES, DuplicatePair, DuplicateRule, duplicate_clients
from catalogue.attribute import CLIENTS
from schema.clients.quality import quality_queries
from schema.connection import FORWARD_ARGUMENTS, connection_types, connection_value, page_from
from schema.context import Context
from schema.enums import DuplicateRuleEnum
from schema.fields import Fields, described, output_type, plain, resolved
from schema.planning.reads import Arguments, Read, Reading, page_size

ClientField = Callable[[str, str, str], tuple[str, Any, Any]]
"""From a name, what it means and the key of the id to the field that reads a client."""


@strawberry.type(description="One thing that two clients have in common.")
class DuplicateReason:
    """A rule that the two meet."""

    rule: DuplicateRuleEnum = strawberry.field(description="The rule.")
    label: str = strawberry.field(description="What is the same, in words.")
    score: float = strawberry.field(description="How likely two such clients are one, 0 to 1.")


def stewardship_queries(client_field: ClientField) -> Fields:
    """The fields of Query about likely duplicates, and about how good the data are."""
    pair: Any = output_type(
        "ClientDuplicate",
        "Two clients who are likely one and the same.",
        (
            client_field("one", "The one of them.", "oneId"),
            client_field("other", "The other.", "otherId"),
            ("score", float, plain("score", "How likely they are one, 0 to 1, by all reasons together.")),
            ("reasons", list[DuplicateReason], plain("reasons", "What they have in common.")),
        ),
    )
    connection = connection_types("ClientDuplicate", pair, "likely duplicates").connection

    async def duplicates(
        info: strawberry.Info, first: int, after: str | None = None, rule: DuplicateRule | None = None
    ) -> Any:
        return await _page(info.context, first, after, rule)

    arguments = {
        "rule": described(DuplicateRuleEnum | None, "Only by this rule; by all that you may use, if left out."),
        **FORWARD_ARGUMENTS,
    }
    text = (
        "Pairs of clients who are likely one, the likeliest first: among the clients whom you may read, by the values "
        "that you may filter by; up to 1,000 groups for each rule."
    )
    yield from quality_queries()
    yield (
        "duplicateClients",
        None,
        resolved(duplicates, "duplicateClients", connection, text, arguments, _reads),
    )


def _reads(given: Arguments, _names: frozenset[str]) -> Reading:
    size, rules = page_size(given), len(RULES) if given.get("rule") is None else 1
    # One pass over the book for each rule.
    return Reading(size, (Read(CLIENTS, size, is_scan=True), *[Read(CLIENTS, is_scan=True)] * (rules - 1)))


async def _page(context: Context, first: int, after: str | None, rule: DuplicateRule | None) -> Any:
    page, cursors = page_from(context.page_limit, first, after), context.repositories.clients.cursors
    binding = cursors.bound_to(("duplicateClients", context.viewer.person, str(rule)))
    start = None if after is None else tuple(cursors.open(binding, after, 3))
    found = await duplicate_clients(context.viewer, context.repositories, rule, context.touched)
    # By the place and not by the pair: the pair of the cursor may be one client by now.
    rest = [each for each in found if start is None or each.position > start]
    shown = rest[: page.limit]
    sealed = [cursors.seal(binding, each.position) for each in shown]
    value = connection_value(
        [_pair_value(each) for each in shown], sealed, has_next=len(rest) > len(shown), has_previous=after is not None
    )
    return value | {"totalCount": len(found)}


def _pair_value(pair: DuplicatePair) -> dict[str, Any]:
    reasons = [{"rule": each, "label": RULES[each].label, "score": RULES[each].score} for each in pair.rules]
    return {"oneId": pair.ids[0], "otherId": pair.ids[1], "score": pair.score, "reasons": reasons}
