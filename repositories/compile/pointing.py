"""Where the records of a catalogue point at clients; pure."""

from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind


def references_by_area(catalogue: Catalogue) -> dict[str, dict[str, bool]]:
    """The paths of references to clients of each area that has any, and whether each holds a list."""
    found: dict[str, dict[str, bool]] = {}
    for each in catalogue.attributes:
        if each.kind is Kind.CLIENT:
            found.setdefault(each.area, {})[each.path] = each.is_list
    return found


def reference_keys(catalogue: Catalogue) -> dict[str, tuple[tuple[str, ...], ...]]:
    """What leads from what a change of a client sets to each reference in it, by the path of what is set."""
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for each in catalogue.area(CLIENTS).values():
        if each.kind is Kind.CLIENT:
            holder = (catalogue.list_group_of(each) or each).path
            keys = tuple(each.path.removeprefix(holder).lstrip(".").split(".")) if each.path != holder else ()
            found[holder] = (*found.get(holder, ()), keys)
    return found
