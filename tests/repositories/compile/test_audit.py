"""Entries and their chain, by exact value."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from bson import Decimal128

from policy.viewer import Viewer
from repositories.access import Touched
from repositories.compile.audit import (
    BEGINNING,
    Deed,
    Document,
    body_from,
    canonical,
    chained,
    entry_hash,
    entry_id,
    note_from,
    parts_of,
)

AT = datetime(2026, 11, 26, 9, 30, 15, 123_456, UTC)
KEPT = AT.replace(microsecond=123_000)
VIEWER = Viewer("M001", frozenset(("team_lead", "auditor")), purpose="AUDIT")


def touched() -> Touched:
    found = Touched(hidden={"profile.taxId"})
    found.note("clients", ("cl_2", "cl_1"))
    found.note("interactions", ("in_1",))
    found.note("managers", ())
    found.paths = {
        "clients": {"_id", "profile.name", "proof.profile/name", "tail", "tail.version"},
        "interactions": {"at"},
    }
    return found


class TestBodyFrom:
    def test_says_who_what_and_what_came_of_it(self) -> None:
        deed = Deed("query", "Desk", "d" * 64, "e" * 64)
        assert body_from(AT, VIEWER, deed, touched(), "refused NOT_ALLOWED", ("NOT_ALLOWED", "NOT_ALLOWED")) == {
            "at": KEPT,
            "person": "M001",
            "roles": ["auditor", "team_lead"],
            "purpose": "AUDIT",
            "kind": "query",
            "operation": "Desk",
            "document": "d" * 64,
            "edition": "e" * 12,
            "clients": ["cl_1", "cl_2"],
            "records": {"interactions": ["in_1"]},
            "attributes": ["history", "interactions.at", "profile.name"],
            "hidden": ["profile.taxId"],
            "outcome": "refused NOT_ALLOWED",
            "errors": ["NOT_ALLOWED"],
        }

    def test_says_what_was_changed(self) -> None:
        found = Touched()
        found.note_change("clients", "cl_1", 4, ("stage",), None)
        found.note_change("interactions", "in_1", 1, ("summary",), "cl_2")
        body = body_from(AT, VIEWER, Deed("mutation"), found)
        assert body["changes"] == ["cl_1:4", "in_1:1"]
        assert body["changed"] == ["cl_1", "cl_2", "in_1"]
        assert body["written"] == ["interactions.summary", "stage"]

    def test_leaves_out_what_there_is_nothing_of(self) -> None:
        found = body_from(AT, Viewer("ana", frozenset()), Deed("query"), Touched())
        assert found == {"at": KEPT, "person": "ana", "roles": [], "kind": "query", "outcome": "ok"}

    def test_a_name_that_no_database_can_hold_is_written_otherwise(self) -> None:
        assert body_from(AT, Viewer("a\ud800", frozenset()), Deed("query"), Touched())["person"] == "a?"


class TestPartsOf:
    def test_a_short_one_is_one(self) -> None:
        body: Document = {"person": "ana", "clients": ["cl_1", "cl_2"]}
        assert list(parts_of(body, 2)) == [body]

    def test_a_long_one_loses_no_id_and_says_the_rest_in_each(self) -> None:
        body = {"person": "ana", "clients": ["1", "2", "3", "4", "5"], "changes": ["a", "b"], "records": {"x": ["7"]}}
        assert list(parts_of(body, 2)) == [
            {"person": "ana", "clients": ["1", "2"], "changes": ["a", "b"], "records": {"x": ["7"]}},
            {"person": "ana", "clients": ["3", "4"]},
            {"person": "ana", "clients": ["5"]},
        ]

    def test_five_thousand_fit(self) -> None:
        assert len(list(parts_of({"clients": [str(each) for each in range(5_000)]}))) == 1
        assert len(list(parts_of({"records": {"interactions": [str(each) for each in range(5_001)]}}))) == 2


class TestChained:
    def test_by_exact_value(self) -> None:
        first = chained(note_from(AT, "opened", node="one 1"), "P", 0, BEGINNING)
        assert canonical({name: each for name, each in first.items() if name != "hash"}) == (
            b'{"_id":"P:000000000000","at":"2026-11-26T09:30:15.123+00:00","kind":"opened","node":"one 1",'
            b'"partition":"P","previous":"' + b"0" * 64 + b'","sequence":0}'
        )
        # sha256sum of the line above
        assert first["hash"] == "1ee6b8a422941397fb191bc5845e595e27fed2ab0a9eb23ef91a83e3ff948bad"
        second = chained(note_from(AT, "closed"), "P", 1, first["hash"])
        assert (second["_id"], second["previous"]) == ("P:000000000001", first["hash"])

    def test_ids_are_in_the_order_of_the_chain(self) -> None:
        ids = [entry_id("P", each) for each in (0, 1, 9, 10, 99, 100, 999_999_999_999)]
        assert ids == sorted(ids)


class TestEntryHash:
    ENTRY = chained({"person": "ana", "clients": ["cl_1"], "at": KEPT}, "P", 3, "f" * 64)

    def test_leaves_out_itself_and_the_signature_alone(self) -> None:
        assert entry_hash(self.ENTRY | {"signature": "any"}) == self.ENTRY["hash"]

    @pytest.mark.parametrize(
        "change",
        [
            {"person": "bob"},
            {"clients": []},
            {"at": KEPT + timedelta(milliseconds=1)},
            {"sequence": 4},
            {"previous": BEGINNING},
            {"_id": "P:000000000004"},
            {"more": 1},
            {"person": Decimal128("1")},
        ],
    )
    def test_covers_everything_else(self, change: Document) -> None:
        assert entry_hash(self.ENTRY | change) != self.ENTRY["hash"]

    def test_the_order_of_keys_does_not_count(self) -> None:
        assert entry_hash(dict(reversed(self.ENTRY.items()))) == self.ENTRY["hash"]

    def test_a_moment_as_a_driver_gives_it_back_is_the_same(self) -> None:
        given_back = KEPT.astimezone(timezone(timedelta(0), "UTC"))
        assert entry_hash(self.ENTRY | {"at": given_back}) == self.ENTRY["hash"]
