"""A change as an update pipeline: nothing that was given can be evaluated."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from repositories.compile.changes import change_facts, change_pipeline, proof_key
from repositories.mongo import Store
from repositories.plan import Change, Proof

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEEN = datetime(2026, 11, 1, tzinfo=UTC)
NEXT = {"$add": [{"$ifNull": ["$sequence", "$version"]}, 1]}
NEXT_VERSION = {"$add": ["$version", 1]}
DATED = {"$max": [{"$literal": AT}, {"$ifNull": ["$storedAt", "$updatedAt"]}]}
HOSTILE = ("$attitude.satisfaction", {"$ne": 1}, "$$ROOT", ["$number"], {"$literal": "$number"})


def change(**values: object) -> Change:
    return Change({path.replace("_", "."): value for path, value in values.items()}, "M001", AT)


def literals_of(stage: object) -> Iterator[object]:
    """Everything that stands in a $literal."""
    if isinstance(stage, dict):
        if "$literal" in stage:
            yield stage["$literal"]
        else:
            for each in stage.values():
                yield from literals_of(each)
    elif isinstance(stage, list):
        for each in stage:
            yield from literals_of(each)


def words_of(stage: object) -> Iterator[str]:
    """Every text that MongoDB would read as an expression."""
    if isinstance(stage, str):
        yield stage
    elif isinstance(stage, list):
        for each in stage:
            yield from words_of(each)
    elif isinstance(stage, dict) and "$literal" not in stage:
        for each in stage.values():
            yield from words_of(each)


class TestChangePipeline:
    def test_the_tail_is_first_and_reads_the_old_values(self) -> None:
        first, second = change_pipeline(change(profile_name="Li"))
        assert list(first) == ["$set"]
        entry: Any = first["$set"]
        (entry,) = entry["tail"]["$concatArrays"][1]
        assert (entry["shown"], entry["before"]) == (NEXT_VERSION, {"v": "$version", "at": "$updatedAt"})
        assert entry["values"] == [
            {"path": {"$literal": "profile.name"}, "old": "$profile.name", "new": {"$literal": "Li"}}
        ]
        assert second["$set"] == {
            "profile.name": {"$literal": "Li"},
            "proof.profile/name": {"v": NEXT, "o": {"$literal": AT}},
            "sequence": NEXT,
            "storedAt": DATED,
            "version": NEXT_VERSION,
            "updatedAt": DATED,
        }

    def test_what_only_follows_leaves_the_version_that_people_see(self) -> None:
        first, second = change_pipeline(replace(change(profile_name="Li"), is_silent=True))
        entry: Any = first["$set"]
        (entry,) = entry["tail"]["$concatArrays"][1]
        assert (entry["version"], entry["shown"]) == (NEXT, "$version")
        assert second["$set"] == {
            "profile.name": {"$literal": "Li"},
            "proof.profile/name": {"v": NEXT, "o": {"$literal": AT}},
            "sequence": NEXT,
            "storedAt": DATED,
        }

    def test_clearing_is_a_stage_of_its_own(self) -> None:
        *_, last = change_pipeline(change(profile_name=None, profile_size=1))
        assert last == {"$unset": ["profile.name", "proof.profile/name"]}

    def test_values_are_as_they_are_stored(self) -> None:
        pipeline = change_pipeline(change(profile_foundedOn=date(2026, 1, 1)))
        assert datetime(2026, 1, 1, tzinfo=UTC) in list(literals_of(pipeline))

    @pytest.mark.parametrize("value", HOSTILE, ids=str)
    def test_no_given_word_is_an_expression(self, value: object) -> None:
        proof = Proof("$number", "$$ROOT", SEEN, 0.5)
        hostile = Change({"profile.name": value}, "$$NOW", AT, proof, "$key", "$hash")
        own = {"$profile.name", "$version", "$updatedAt", "$sequence", "$storedAt", "$tail"}
        assert set(words_of(change_pipeline(hostile))) == own

    @pytest.mark.parametrize("value", HOSTILE, ids=str)
    async def test_on_a_store_the_given_words_are_what_is_stored(self, store: Store, value: object) -> None:
        clients = store.collection("clients")
        facts = {"number": "K1", "version": 1, "updatedAt": SEEN}
        await clients.insert_one({"_id": "a", **facts, "attitude": {"satisfaction": 7}})
        written = Change({"profile.name": value}, "$$NOW", AT, Proof(source="$number"))
        document = await clients.find_one_and_update({"_id": "a"}, change_pipeline(written))
        assert document is not None
        assert document["profile"] == {"name": value}
        assert document["tail"] == [
            {
                "version": 2,
                "shown": 2,
                "before": {"v": 1, "at": SEEN},
                "at": AT,
                "by": "$$NOW",
                "source": "$number",
                "values": [{"path": "profile.name", "new": value}],
            }
        ]


class TestChangeFacts:
    def test_what_was_not_said_is_left_out(self) -> None:
        assert change_facts(change()) == {"at": AT, "by": "M001"}

    def test_what_was_said(self) -> None:
        said = Change({}, "M001", AT, Proof("visit", "Li", SEEN, 0.0), "k", "h")
        assert change_facts(said) == {
            "at": AT,
            "by": "M001",
            "key": "k",
            "hash": "h",
            "source": "visit",
            "observer": "Li",
            "observedAt": SEEN,
            "confidence": 0.0,
        }


class TestProofKey:
    def test_has_no_dot(self) -> None:
        assert proof_key("profile.place.city") == "profile/place/city"
