"""The attributes and relations that Kehu brings along, before any data team adds its own."""

from functools import cache

from catalogue.attribute import CLIENTS, Attribute
from catalogue.builtin.clients_attitude import ATTITUDE
from catalogue.builtin.clients_behaviour import BEHAVIOUR
from catalogue.builtin.clients_derived import DERIVED
from catalogue.builtin.clients_profile import PROFILE
from catalogue.builtin.computed import computed
from catalogue.builtin.interactions import INTERACTIONS, INTERACTIONS_AREA
from catalogue.builtin.managers import MANAGERS, MANAGERS_AREA
from catalogue.catalogue import Catalogue
from catalogue.relation import Listing, Relation

RELATIONS: tuple[Relation, ...] = (
    Relation(
        area=CLIENTS,
        name="manager",
        target=MANAGERS_AREA,
        stored_in="managerId",
        description="The relationship manager who is accountable for the client.",
    ),
    Relation(
        area=INTERACTIONS_AREA,
        name="client",
        target=CLIENTS,
        stored_in="clientId",
        description="The client whom the bank was in touch with.",
        listing=Listing(
            "interactions", "at", "Contacts and visits, newest first; a cursor stands for a moment, whoever the client."
        ),
    ),
    Relation(
        area=INTERACTIONS_AREA,
        name="manager",
        target=MANAGERS_AREA,
        stored_in="managerId",
        description="The relationship manager who was in touch with the client.",
    ),
)

ATTRIBUTES: tuple[Attribute, ...] = computed(
    (*PROFILE, *BEHAVIOUR, *ATTITUDE, *DERIVED, *MANAGERS, *INTERACTIONS), RELATIONS
)


@cache
def builtin_catalogue() -> Catalogue:
    """The catalogue of an empty database."""
    return Catalogue(ATTRIBUTES, RELATIONS)
