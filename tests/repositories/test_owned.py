"""The list of what points at clients is whole: what is added and not classified is seen here."""

import importlib
import re
from pathlib import Path

import pytest

import repositories
from catalogue.attribute import CLIENTS
from catalogue.builtin import RELATIONS, builtin_catalogue
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from catalogue.relation import Relation
from policy.decision import NOBODY, area_rows, rules_of
from policy.rules import BUILT_IN
from policy.viewer import ROLES, Viewer, program
from repositories.owned import Reference, following, held, records_of_clients, references_of, unclassified
from repositories.repositories import _BY_AREA
from tests.books import SMALL, attribute

HELD = {each.collection for each in held(builtin_catalogue())}
CALL = re.compile(r'\.collection\((\w+|"\w+")\)')
NEEDS = Relation("needs", "client", CLIENTS, "clientId", "The client who needs it.")
WITH_NEEDS = Catalogue((*SMALL.attributes, attribute("title", area="needs")), (*RELATIONS, NEEDS))


def collections_in_code() -> set[str]:
    """The collections that the code opens by name."""
    folder = Path(repositories.__file__).parent
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        module = importlib.import_module(".".join(path.relative_to(folder.parent).with_suffix("").parts))
        for word in CALL.findall(path.read_text()):
            value = word.strip('"') if word.startswith('"') else getattr(module, word, None)
            names.update([value] if isinstance(value, str) else [])
    return names


class TestTheList:
    def test_every_collection_that_the_code_opens_is_in_it(self) -> None:
        opened = collections_in_code()
        assert {"clients", "changes", "settings", "erasures", "models"} <= opened
        assert opened <= HELD

    def test_every_area_is_in_it(self) -> None:
        catalogue = builtin_catalogue()
        assert {each.area for each in catalogue.attributes} | set(_BY_AREA) <= HELD

    def test_what_is_added_without_an_owner_is_not_in_it(self) -> None:
        lonely = Catalogue((*SMALL.attributes, attribute("title", area="needs")), RELATIONS)
        assert unclassified(lonely, ["needs", "clients"]) == ["needs"]
        assert unclassified(WITH_NEEDS, ["needs", "clients"]) == []

    def test_a_collection_from_which_nothing_is_deleted_says_why(self) -> None:
        for each in held(builtin_catalogue()):
            assert each.key or each.may_name or each.why, each.collection

    def test_what_belongs_to_clients_and_what_follows_them(self) -> None:
        keys = {place.collection: key for place, key in records_of_clients(WITH_NEEDS)}
        assert keys == dict.fromkeys(("grants", "segment_members", "interactions", "needs"), "clientId")
        assert dict(following(WITH_NEEDS)) == dict.fromkeys(("grants", "interactions", "needs"), "clientId")

    def test_references_of_all_areas(self) -> None:
        more = (
            attribute("profile.keyPeople.employer", Kind.CLIENT),
            attribute("attendees", Kind.CLIENT, area="interactions", is_list=True),
        )
        assert references_of(SMALL.with_attributes(more)) == (
            Reference("profile.keyPeople.employer", "profile.keyPeople"),
            Reference("profile.parent", "profile.parent"),
            Reference("attendees", "attendees", "interactions"),
        )


class TestRows:
    @pytest.mark.parametrize("role", [*ROLES, "system"])
    def test_an_area_that_no_rule_is_about_is_seen_by_nobody(self, role: str) -> None:
        viewer = program("kehu") if role == "system" else Viewer("P", frozenset((role,)), "A", "mg_1")
        rules = rules_of(BUILT_IN, viewer)
        assert area_rows("needs", rules, viewer) == NOBODY
        assert area_rows("needs", rules, viewer, is_owned=True) is None
        assert area_rows("managers", rules, viewer) is None
