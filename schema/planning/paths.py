"""Which paths of a document a selection needs: those and no others are read."""

from collections.abc import Collection, Mapping, Sequence

from catalogue.attribute import CLIENTS, Attribute, Facet
from catalogue.catalogue import Catalogue, UnknownAttribute
from catalogue.formulas.graph import input_paths
from catalogue.kinds import Kind
from catalogue.rollups.reading import member_paths
from repositories.compile.changes import proof_key
from repositories.compile.derivations import next_path
from schema.planning.selection import Selected

NODE = "Node"
FACETS = frozenset(str(each) for each in Facet)
CLIENT_CORE: Mapping[str, frozenset[str]] = {
    "id": frozenset(("_id",)),
    "number": frozenset(("number",)),
    "kind": frozenset(("kind",)),
    "stage": frozenset(("stage",)),
    "version": frozenset(("version",)),
    "createdAt": frozenset(("createdAt",)),
    "updatedAt": frozenset(("updatedAt",)),
    "manager": frozenset(("managerId",)),
    "history": frozenset(("tail", "merged")),
    "mergedClients": frozenset(("merged",)),
    "handovers": frozenset(("tail",)),
    "changesBetween": frozenset(("tail",)),
    "interactions": frozenset(("_id",)),
    "completeness": frozenset(("_id",)),
    "segments": frozenset(("_id",)),
    "segmentHistory": frozenset(("_id",)),
    "viewerCanChange": frozenset(("_id", "managerId", "team", "region")),
    "__typename": frozenset(),
}
"""Fields of a client that code owns, and the paths they are read from."""
_FROM_PROOF = frozenset(("observedAt", "isStale"))
EXPLAIN = "explain"
FROM_CHANGE = frozenset(("source", "observer", "enteredAt", "confidence", EXPLAIN))
"""What only the change that set a value says of it."""


_BY_ID = frozenset(("id", "completeness"))
"""Fields of other records that are read, or worked out, by the id."""


def client_paths(catalogue: Catalogue, fields: Sequence[Selected], unlisted: Collection[str] = ()) -> frozenset[str]:
    """The paths of a client document that the fields need; those that are not listed only where they are named."""
    paths: set[str] = set()
    for field in fields:
        if field.name in CLIENT_CORE:
            paths |= CLIENT_CORE[field.name]
        elif field.name in ("attribute", "attributes"):
            for attribute in _attributes_to_read(catalogue, field, unlisted):
                paths |= value_paths(catalogue, attribute, field)
        else:
            paths |= group_paths(catalogue, CLIENTS, "Client", field, field.name)
    return frozenset(paths)


def _attributes_to_read(catalogue: Catalogue, field: Selected, unlisted: Collection[str]) -> list[Attribute]:
    try:
        return named_attributes(catalogue, field.arguments, unlisted)
    except UnknownAttribute:
        # The field says so itself, in its own place; what stands around it is read all the same.
        return []


def group_paths(catalogue: Catalogue, area: str, prefix: str, selected: Selected, path: str) -> set[str]:
    """The paths that a selection under a facet or group needs."""
    paths: set[str] = set()
    for field in selected.fields(_type_at(prefix, path)):
        if field.name == "__typename":
            # A group says that it is there by being there: its own path is the least that tells.
            paths |= {path} if path not in FACETS else set()
            continue
        inner = f"{path}.{field.name}"
        attribute = catalogue.find(inner, area)
        if attribute is not None and attribute.kind is Kind.GROUP:
            paths |= group_paths(catalogue, area, prefix, field, inner)
        elif attribute is not None:
            paths.add(inner)
    return paths


def _type_at(prefix: str, path: str) -> str:
    return prefix + "".join(f"{word[0].upper()}{word[1:]}" for word in path.split("."))


def named_attributes(
    catalogue: Catalogue, arguments: Mapping[str, object], unlisted: Collection[str] = ()
) -> list[Attribute]:
    """The attributes that `attribute(path:)` or `attributes(paths:, facet:)` asks for.

    Raises: UnknownAttribute.
    """
    path, paths, facet = arguments.get("path"), arguments.get("paths"), arguments.get("facet")
    if isinstance(path, str):
        return [_with_value(catalogue, path)]
    if isinstance(paths, str | list | tuple):
        # GraphQL takes one item for a list of one.
        found = [_with_value(catalogue, str(each)) for each in ([paths] if isinstance(paths, str) else paths)]
        return [each for each in found if facet is None or each.facet.name == str(getattr(facet, "name", facet))]
    facets = [each for each in Facet if facet is None or each.name == str(getattr(facet, "name", facet))]
    return [leaf for each in facets for leaf in catalogue.leaves(str(each)) if leaf.path not in unlisted]


def _with_value(catalogue: Catalogue, path: str) -> Attribute:
    attribute = catalogue.get_live(path)
    holder = catalogue.list_group_of(attribute)
    if holder is not None:
        message = f"{path} stands in the list {holder.path}, which is one value; ask for {holder.path}."
        raise UnknownAttribute(message, given=path, expected=holder.path)
    return attribute


def value_paths(catalogue: Catalogue, attribute: Attribute, field: Selected) -> set[str]:
    """The paths that the value of one attribute, with the proof that was selected, needs."""
    names = {each.name for each in field.fields("AttributeValue")}
    paths = {attribute.path}
    if EXPLAIN in names and attribute.is_computed:
        read = member_paths(catalogue, attribute)
        read |= input_paths(catalogue, attribute.formula) if attribute.formula is not None else frozenset()
        paths.add(next_path(attribute.path) if attribute.model is None else "updatedAt")
        for each in read if attribute.model is None else attribute.model.read_paths:
            paths |= {each, f"proof.{proof_key(each)}"}
    if names & (_FROM_PROOF | FROM_CHANGE):
        paths |= {f"proof.{proof_key(attribute.path)}", "proof.first"}
    if names & FROM_CHANGE:
        paths |= {"tail.version", "tail.source", "tail.observer", "tail.at", "tail.confidence"}
    return paths


def record_paths(catalogue: Catalogue, area: str, prefix: str, fields: Sequence[Selected]) -> frozenset[str]:
    """The paths of a record without facets, such as a manager."""
    paths: set[str] = set()
    for field in fields:
        attribute = catalogue.find(field.name, area)
        if attribute is None:
            paths |= {"_id"} if field.name in _BY_ID else set() if field.name == "__typename" else {field.name}
        elif attribute.kind is Kind.GROUP:
            paths |= group_paths(catalogue, area, prefix, field, field.name)
        else:
            paths.add(field.name)
    return frozenset(paths)
