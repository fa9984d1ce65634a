"""Definitions for tests: one line an attribute."""

from typing import Any

from catalogue.attribute import Attribute, AttributeOption, Facet
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind

OPTIONS = (AttributeOption(code="A", label="Best"), AttributeOption(code="B", label="Good"))


def defined(path: str, kind: Kind = Kind.STRING, **more: Any) -> Attribute:
    """An attribute with everything that a definition must have."""
    words: dict[str, Any] = {"label": f"Label of {path}", "description": f"What {path} means.", **more}
    if kind is Kind.CODE:
        words.setdefault("options", OPTIONS)
    return Attribute(path=path, kind=kind, **words)


def one_of_every_kind(**more: Any) -> tuple[Attribute, ...]:
    """profile.string1, profile.text1 … for each kind that holds a value, and the same as lists: profile.string2 …"""
    kinds = [kind for kind in Kind if kind is not Kind.GROUP]
    single = [defined(f"profile.{kind.lower()}1", kind, **more) for kind in kinds]
    return (*single, *(defined(f"profile.{kind.lower()}2", kind, is_list=True, **more) for kind in kinds))


def beside(*rows: Attribute) -> Catalogue:
    """The rows with the least that a schema can be made of: one more in each facet, and a manager's name."""
    least = [defined(f"{facet}.least") for facet in Facet]
    return Catalogue((*least, defined("name", area="managers"), *rows))


def book() -> Catalogue:
    """A small catalogue with a group, a list of groups, a draft, a retired attribute and a deprecated one."""
    return beside(
        *(
            *one_of_every_kind(),
            defined("profile.place", Kind.GROUP),
            defined("profile.place.city", is_sortable=True, is_searchable=True),
            defined("profile.place.zone", Kind.CODE),
            defined("profile.people", Kind.GROUP, is_list=True),
            defined("profile.people.name", is_searchable=True),
            defined("profile.people.age", Kind.LONG, minimum=0, maximum=150),
            defined("profile.people.tags", is_list=True),
            defined("profile.people.home", Kind.GROUP),
            defined("profile.people.home.city"),
            defined("profile.people.boss", Kind.CLIENT),
            defined("attitude.score", Kind.LONG, minimum=0, maximum=100, is_sortable=True),
            defined("attitude.later", status="DRAFT"),
            defined("attitude.gone", status="RETIRED", successor="attitude.score"),
            defined("attitude.going", status="DEPRECATED", successor="attitude.score", removal_on="2027-01-31"),
        )
    )
