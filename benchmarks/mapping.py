"""The peers' clients as Kehu's documents: the same values under Kehu's paths, and what must be defined for them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from catalogue.attribute import Attribute, AttributeOption, Facet
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind

Document = dict[str, Any]

MOVED = {"profile.companySize.employees": "profile.employees", "profile.companySize.band": "profile.sizeBand"}
"""Where Kehu's built-in attribute has another path than the peers' field."""
_KINDS: dict[type, Kind] = {str: Kind.STRING, int: Kind.LONG, float: Kind.NUMBER, bool: Kind.BOOLEAN, dict: Kind.GROUP}


def client_id(peer_id: object) -> str:
    """Kehu's id of a client; the order of the ids stays."""
    return f"cl_{peer_id}"


def manager_id(peer_id: object) -> str:
    """Kehu's id of a manager."""
    return f"mg_{peer_id}"


def values_from(client: Mapping[str, Any]) -> Document:
    """The values of a peers' client by Kehu's paths; a list is one value."""
    found: Document = {}
    for facet in Facet:
        for path, value in _leaves(str(facet), client.get(str(facet), {})):
            found[MOVED.get(path, path)] = value
    return found


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        yield path, value
        return
    for key, inner in value.items():
        yield from _leaves(f"{path}.{camel_case(key)}", inner)


def camel_case(key: str) -> str:
    """The key without underscores, which Kehu's keys do not have: p00_amber becomes p00Amber."""
    first, *rest = key.split("_")
    return first + "".join(f"{word[:1].upper()}{word[1:]}" for word in rest)


def missing_attributes(catalogue: Catalogue, values: Mapping[str, Any]) -> list[Attribute]:
    """The attributes that must be defined before a client can have the values; a group before its members."""
    made: dict[str, Attribute] = {}
    for path, value in values.items():
        words = path.split(".")
        for length in range(2, len(words)):
            _add(made, catalogue, ".".join(words[:length]), {})
        _add(made, catalogue, path, value)
    return list(made.values())


def _add(made: dict[str, Attribute], catalogue: Catalogue, path: str, value: Any) -> None:
    if path in made or catalogue.find(path) is not None:
        return
    is_list = isinstance(value, list)
    sample = value[0] if is_list else value
    made[path] = Attribute(
        path=path,
        label=path.rpartition(".")[2],
        description="Stands beside the built-in attributes, so that a document is as large as a peer's.",
        kind=_KINDS[type(sample)],
        is_list=is_list,
    )
    if isinstance(sample, dict):
        for key, inner in sample.items():
            _add(made, catalogue, f"{path}.{key}", inner)


def computed_paths(catalogue: Catalogue) -> list[str]:
    """The attributes of clients that Kehu would compute, where the peers' book has values of its own, or none."""
    return [path for path, each in catalogue.area().items() if each.is_computed and catalogue.is_live(each)]


def missing_options(catalogue: Catalogue, rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[AttributeOption, ...]]:
    """By path, all options that a CODE attribute must have before clients can have the values.

    Shape: the options it has, then the missing ones; attributes that lack none are left out.
    """
    wanted: dict[str, set[str]] = {}
    for values in rows:
        for path, value in values.items():
            attribute = catalogue.find(path)
            if attribute is not None and attribute.kind is Kind.CODE:
                wanted.setdefault(path, set()).update(value if isinstance(value, list) else [value])
    found = {}
    for path, codes in wanted.items():
        present = catalogue.get_live(path).options
        missing = sorted(codes - {each.code for each in present})
        if missing:
            found[path] = (*present, *(AttributeOption(code=each, label=each) for each in missing))
    return found
