"""The page of all attributes, for people; written by `python -m catalogue.page > docs/attributes.md`."""

import sys
from collections.abc import Iterable, Iterator

from catalogue.attribute import CLIENTS, Attribute, Facet, Status
from catalogue.bounds import bound_words
from catalogue.builtin import builtin_catalogue
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from catalogue.rollups.rollup import Rollup

_HEAD = ("| Path | Kind | Unit | What it says | Sensitivity | Rules |", "|---|---|---|---|---|---|")


def attributes_page(catalogue: Catalogue) -> str:
    """A Markdown page with one table a facet, and one for each area beside the clients."""
    areas = sorted({each.area for each in catalogue.attributes} - {CLIENTS})
    live = [each for each in catalogue.attributes if catalogue.is_live(each)]
    clients = [each for each in live if each.area == CLIENTS]
    lines = [
        "# Attributes",
        "",
        "Generated from the catalogue by `python -m catalogue.page > docs/attributes.md`; do not edit by hand.",
        f"Kehu brings along {len(clients)} attributes of clients; data teams add more at run time with",
        "`attributeDefine`.",
    ]
    for facet in Facet:
        lines += ["", f"## {facet.value.title()}", "", *_table(each for each in clients if each.facet is facet)]
    for area in areas:
        lines += ["", f"## Area `{area}`", "", *_table(each for each in live if each.area == area)]
    return "\n".join([*lines, ""])


def _table(rows: Iterable[Attribute]) -> Iterator[str]:
    yield from _HEAD
    for each in rows:
        kind = f"list of {each.kind.value}" if each.is_list else each.kind.value
        says = f"**{each.label}.** {each.description}"
        cells = (f"`{each.path}`", kind, each.unit or "", says, each.sensitivity.value, "; ".join(_rules(each)))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |".replace("  ", " ")


def _rollup(rollup: Rollup) -> str:
    what = f"{rollup.function}{f' of `{rollup.of}`' if rollup.of else ''} over `{rollup.area}`"
    which = f" where `{rollup.where}`" if rollup.where else ""
    return f"{what}{which}{f' of the last {rollup.days} days' if rollup.days else ''}"


def _rules(attribute: Attribute) -> Iterator[str]:
    if attribute.formula is not None:
        yield f"computed by `{attribute.formula}`"
    if attribute.rollup is not None:
        yield f"from records: {_rollup(attribute.rollup)}"
    if attribute.required_for:
        yield f"required for {' and '.join(kind.value for kind in attribute.required_for)}"
    if attribute.applies_to:
        yield f"{' and '.join(kind.value for kind in attribute.applies_to)} only"
    if attribute.minimum is not None:
        yield f"from {bound_words(attribute.minimum)}"
    if attribute.maximum is not None:
        yield f"up to {bound_words(attribute.maximum)}"
    if attribute.max_length is not None:
        yield f"up to {attribute.max_length} characters"
    if attribute.pattern is not None:
        yield f"matches `{attribute.pattern}`"
    if attribute.kind is Kind.CODE:
        yield ", ".join(f"`{option.code}`" for option in attribute.options)
    if attribute.max_age_hours is not None:
        yield f"fresh for {attribute.max_age_hours // 24} days"
    if not attribute.is_expected:
        yield "not expected"
    if attribute.is_sortable:
        yield "sortable"
    if attribute.is_searchable:
        yield "searchable"
    if attribute.is_lookup:
        yield "looked up by keyed hash"
    if attribute.retain_days is not None:
        yield f"kept for {attribute.retain_days} days"
    if attribute.status is Status.DEPRECATED:
        yield f"deprecated{f', use `{attribute.successor}`' if attribute.successor else ''}"


if __name__ == "__main__":
    sys.stdout.write(attributes_page(builtin_catalogue()))
