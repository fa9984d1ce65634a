"""The vocabulary of service accounts' scopes."""

import pytest

from catalogue.attribute import Sensitivity
from policy.scopes import EXPECTED, LONGEST_NAME_CHARACTERS, WRITES, Scopes, is_scope, scopes_from


class TestIsScope:
    @pytest.mark.parametrize(
        "text",
        [
            "clients:all",
            "clients:granted",
            "clients:team:North",
            "clients:team:a b:c",
            "clients:region:华东",
            *(f"read:{each}" for each in Sensitivity),
            *(f"write:{each}" for each in WRITES),
        ],
    )
    def test_known(self, text: str) -> None:
        assert is_scope(text)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "clients",
            "clients:",
            "clients:ALL",
            "clients:team",
            "clients:team:",
            "clients:team: North",
            "clients:team:a\nb",
            "clients:region:" + "x" * (LONGEST_NAME_CHARACTERS + 1),
            "read:",
            "read:all",
            "read:public",
            "write:clients",
            "*",
        ],
    )
    def test_unknown(self, text: str) -> None:
        assert not is_scope(text)

    def test_what_is_expected_names_the_vocabulary(self) -> None:
        assert "clients:team:NAME" in EXPECTED
        assert all(each in EXPECTED for each in (*Sensitivity, *WRITES))


class TestScopesFrom:
    def test_none(self) -> None:
        assert scopes_from(()) == Scopes()

    def test_taken_apart(self) -> None:
        given = ["clients:team:North", "clients:team:South", "clients:region:华东", "clients:granted", "write:values"]
        assert scopes_from(given) == Scopes(
            teams=frozenset(("North", "South")),
            regions=frozenset(("华东",)),
            is_granted_clients=True,
            writes=frozenset(("values",)),
        )

    def test_all_clients(self) -> None:
        assert scopes_from(["clients:all"]) == Scopes(is_all_clients=True)

    def test_the_most_secret_read_counts(self) -> None:
        assert scopes_from(["read:CONFIDENTIAL", "read:PUBLIC"]).sensitivity is Sensitivity.CONFIDENTIAL

    def test_what_is_no_scope_grants_nothing(self) -> None:
        assert scopes_from(["clients:team:", "write:everything", "read:SECRET"]) == Scopes()
