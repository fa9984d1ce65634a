"""The attributes and relations that Kehu brings along, before any data team adds its own."""

from functools import cache

from catalogue.attribute import CLIENTS, Attribute
from catalogue.builtin.clients_attitude import ATTITUDE
from catalogue.builtin.clients_behaviour import BEHAVIOUR
from catalogue.builtin.clients_derived import DERIVED
from catalogue.builtin.clients_profile import PROFILE
from catalogue.builtin.managers import MANAGERS, MANAGERS_AREA
from catalogue.catalogue import Catalogue
from catalogue.relation import Relation

ATTRIBUTES: tuple[Attribute, ...] = (*PROFILE, *BEHAVIOUR, *ATTITUDE, *DERIVED, *MANAGERS)

RELATIONS: tuple[Relation, ...] = (
    Relation(
        area=CLIENTS,
        name="manager",
        target=MANAGERS_AREA,
        stored_in="managerId",
        description="The relationship manager who is accountable for the client.",
    ),
)


@cache
def builtin_catalogue() -> Catalogue:
    """The catalogue of an empty database."""
    return Catalogue(ATTRIBUTES, RELATIONS)
