"""The attributes that a map brings along."""

from collections.abc import Sequence

from acts.importing.errors import ImportRefused
from acts.importing.mapping import Definition, ImportMap
from catalogue.attribute import Attribute
from catalogue.catalogue import Catalogue
from catalogue.rules import definition_problems

_OF_ITS_LIFE = {"status", "successor", "removal_on", "revision", "owner"}


def attribute_from(given: Definition) -> Attribute:
    """The attribute that a definition in a map says."""
    fields = given.model_dump(exclude={"facet", "key", "description"})
    return Attribute(path=f"{given.facet}.{given.key}", description=given.description or given.label, **fields)


def missing_attributes(given: ImportMap, catalogue: Catalogue) -> tuple[Attribute, ...]:
    """The attributes of the map that the catalogue lacks, in the order of the map.

    Raises: ImportRefused if one stands there already with another meaning, or cannot be defined.
    """
    missing: list[Attribute] = []
    problems: list[str] = []
    for attribute in map(attribute_from, given.define):
        present = catalogue.find(attribute.path)
        if present is not None:
            problems += _differences(present, attribute)
            continue
        problems += [f"{attribute.path}: {each.message}" for each in definition_problems(catalogue, attribute)]
        catalogue = catalogue.with_attributes((attribute,))
        missing.append(attribute)
    if problems:
        raise ImportRefused("\n".join(("The attributes that the map defines cannot be used:", *_indented(problems))))
    return tuple(missing)


def _differences(present: Attribute, given: Attribute) -> list[str]:
    if not present.is_live:
        return [f"{present.path} is {present.status} and takes no values; choose another key."]
    before, after = (each.model_dump(mode="json", exclude=_OF_ITS_LIFE) for each in (present, given))
    names = [name for name in after if before[name] != after[name]]
    return [
        f"{present.path} is defined already with {name} {before[name]}, and the map says {after[name]}. "
        "Change the map, or the attribute with attributeChange."
        for name in names
    ]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {each}" for each in lines]
