"""Which paths a selection needs: those and no others."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from catalogue.builtin import builtin_catalogue
from schema.planning.paths import CLIENT_CORE, NODE, client_paths, record_paths
from schema.planning.selection import Selected, Selection
from tests.definitions import book

BOOK = book()
LEAVES = {leaf.path for facet in ("profile", "behaviour", "attitude", "derived") for leaf in BOOK.leaves(facet)}


def selected(inside: str, **variables: Any) -> Selected:
    (operation,) = parse(f"{{ it {{ {inside} }} }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    field: Any = operation.selection_set.selections[0]
    return Selected(Selection({}, variables), "it", {}, [field])


def paths(inside: str, **variables: Any) -> set[str]:
    return set(client_paths(BOOK, selected(inside, **variables).fields("Client", NODE)))


class TestClientPaths:
    @pytest.mark.parametrize("name", sorted(CLIENT_CORE))
    def test_what_code_owns(self, name: str) -> None:
        assert paths(name) == CLIENT_CORE[name]

    def test_leaves_and_nothing_beside_them(self) -> None:
        assert paths("number profile { string1 place { city } } attitude { score }") == {
            "number",
            "profile.string1",
            "profile.place.city",
            "attitude.score",
        }

    def test_in_lists_of_groups_too(self) -> None:
        assert paths("profile { people { name home { city } boss { number } } }") == {
            "profile.people.name",
            "profile.people.home.city",
            "profile.people.boss",
        }

    def test_a_reference_is_its_id(self) -> None:
        assert paths("profile { client1 { number profile { string1 } } client2 { id } }") == {
            "profile.client1",
            "profile.client2",
        }

    def test_a_group_that_is_asked_for_its_name_must_be_there(self) -> None:
        assert paths("profile { __typename place { __typename } }") == {"profile.place"}

    def test_twice_selected_is_once_read(self) -> None:
        assert paths("profile { string1 } p: profile { s: string1 long1 }") == {"profile.string1", "profile.long1"}


class TestValuePaths:
    def test_a_value_alone(self) -> None:
        assert paths('attribute(path: "attitude.score") { path value definition { label } }') == {"attitude.score"}

    def test_the_observation_date_stands_in_the_document(self) -> None:
        assert paths('attribute(path: "attitude.score") { observedAt }') == {
            "attitude.score",
            "proof.attitude/score",
            "proof.first",
        }

    @pytest.mark.parametrize("name", ["source", "observer", "enteredAt", "confidence"])
    def test_the_rest_of_the_proof_in_the_change(self, name: str) -> None:
        found = paths(f'attribute(path: "attitude.score") {{ {name} }}')
        assert {"proof.attitude/score", "proof.first", "tail.version"} <= found
        assert "tail" not in found

    @pytest.mark.parametrize(
        ("arguments", "variables", "wanted"),
        [
            ('(paths: ["attitude.score", "profile.long1"])', {}, {"attitude.score", "profile.long1"}),
            ('(paths: "attitude.score")', {}, {"attitude.score"}),
            ("(paths: $p)", {"p": ["attitude.score"]}, {"attitude.score"}),
            ("(paths: $p)", {"p": []}, set()),
            ("(facet: ATTITUDE)", {}, {each for each in LEAVES if each.startswith("attitude.")}),
            ('(facet: ATTITUDE, paths: ["attitude.score", "profile.long1"])', {}, {"attitude.score"}),
            ("", {}, LEAVES),
            ("(paths: null, facet: null)", {}, LEAVES),
            ("(paths: $p, facet: $f)", {}, LEAVES),
        ],
    )
    def test_attributes_by_path_and_facet(self, arguments: str, variables: dict[str, Any], wanted: set[str]) -> None:
        assert paths(f"attributes{arguments} {{ value }}", **variables) == wanted

    def test_an_unknown_path(self) -> None:
        """Nothing is read for it: the field says itself that it is unknown, and its neighbours are read."""
        assert paths('attribute(path: "attitude.gone") { value }') == set()
        assert paths('number attribute(path: "attitude.gone") { value }') == {"number"}


class TestRecordPaths:
    def test_of_a_manager(self) -> None:
        found = record_paths(
            builtin_catalogue(), "managers", "Manager", selected("id __typename person name roles").fields("Manager")
        )
        assert found == {"_id", "person", "name", "roles"}
