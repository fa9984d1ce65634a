"""What every act checks and notes before anything is read."""

from datetime import UTC, datetime, timedelta

import pytest

from acts.checks import (
    KEY_LIMIT,
    WORDS_LIMIT,
    Guard,
    guard_problems,
    key_of,
    newer_values,
    now,
    number_problems,
    proof_problems,
    proof_words,
    refuse,
    request_hash,
)
from catalogue.errors import ErrorCode, Refused
from repositories.plan import Proof
from tests.books import OTHER, VIEWER


class TestNow:
    def test_is_in_utc_and_whole_milliseconds(self) -> None:
        before = datetime.now(UTC)
        moment = now()
        assert moment.microsecond % 1000 == 0
        assert moment.tzinfo is UTC
        assert abs((moment - before).total_seconds()) < 5


class TestKeyOf:
    def test_is_the_persons_own(self) -> None:
        assert key_of(VIEWER, Guard(idempotency_key="k")) != key_of(OTHER, Guard(idempotency_key="k"))
        assert key_of(VIEWER, Guard()) is None


class TestRequestHash:
    def test_is_the_same_whatever_the_order_of_the_keys(self) -> None:
        one = request_hash("clientChange", "cl_1", {"profile": {"name": "鋼", "employees": 1}})
        assert one == request_hash("clientChange", "cl_1", {"profile": {"employees": 1, "name": "鋼"}})
        assert len(one) == 64

    @pytest.mark.parametrize(
        "other",
        [
            ("clientCreate", "cl_1", {"a": 1}),
            ("clientChange", "cl_2", {"a": 1}),
            ("clientChange", "cl_1", {"a": 2}),
            ("clientChange", "cl_1", {"a": None}),
            ("clientChange", "cl_1", {"a": 1}, 3),
        ],
    )
    def test_differs_with_every_part(self, other: tuple[str, object]) -> None:
        assert request_hash(*other) != request_hash("clientChange", "cl_1", {"a": 1})

    def test_takes_text_that_is_no_unicode(self) -> None:
        assert request_hash("clientChange", "\ud800") != request_hash("clientChange", "\ud801")


class TestGuardProblems:
    @pytest.mark.parametrize("guard", [Guard(), Guard(1, "k"), Guard(2**31 - 1, "k" * KEY_LIMIT)])
    def test_none(self, guard: Guard) -> None:
        assert guard_problems(guard) == []

    def test_of_both(self) -> None:
        problems = guard_problems(Guard(0, "k" * (KEY_LIMIT + 1)))
        assert [each.path for each in problems] == [("idempotencyKey",), ("expectedVersion",)]
        assert guard_problems(Guard(None, ""))[0].expected == f"1 to {KEY_LIMIT} characters"


class TestProofProblems:
    @pytest.mark.parametrize("proof", [Proof(), Proof("a", "b", now(), 0), Proof(confidence=1.0)])
    def test_none(self, proof: Proof) -> None:
        assert proof_problems(proof) == []

    def test_of_every_part(self) -> None:
        proof = Proof("", "x" * (WORDS_LIMIT + 1), None, 1.01)
        assert [each.path for each in proof_problems(proof)] == [
            ("proof", "source"),
            ("proof", "observer"),
            ("proof", "confidence"),
        ]
        assert proof_problems(Proof(confidence=float("nan"))) != []

    @pytest.mark.parametrize("blanks", [" ", "\t\n", "\u3000", " " * WORDS_LIMIT])
    def test_blanks_are_no_words(self, blanks: str) -> None:
        assert [each.path[-1] for each in proof_problems(Proof(blanks, blanks))] == ["source", "observer"]

    @pytest.mark.parametrize(
        "moment",
        [
            datetime(2099, 1, 1, tzinfo=UTC),
            now() + timedelta(hours=5),
            datetime(1899, 12, 31, tzinfo=UTC),
            datetime(1, 1, 1, tzinfo=UTC),
        ],
    )
    def test_nobody_has_observed_what_is_to_come_or_was_in_another_age(self, moment: datetime) -> None:
        (found,) = proof_problems(Proof("feed", observed_at=moment))
        assert (found.code, found.path) == (ErrorCode.INVALID_VALUE, ("proof", "observedAt"))
        assert "takes a moment that has been" in found.message

    def test_clocks_may_be_apart(self) -> None:
        assert proof_problems(Proof("feed", observed_at=now() + timedelta(seconds=50))) == []

    def test_its_words_tell_proofs_apart(self) -> None:
        assert proof_words(Proof("a")) != proof_words(Proof("b"))
        assert proof_words(Proof(confidence=0.5)) == proof_words(Proof(confidence=0.5))


class TestNumberProblems:
    @pytest.mark.parametrize("number", ["1", "SP-AAPL", "客戶 001", "a.b/c+d_e", "x" * 64])
    def test_none(self, number: str) -> None:
        assert number_problems(number) == []

    @pytest.mark.parametrize("number", ["", " 1", "-1", "x" * 65, "a\n", "a\x00", "a$b", "<b>"])
    def test_says_what_is_expected(self, number: str) -> None:
        (found,) = number_problems(number)
        assert (found.code, found.path) == (ErrorCode.INVALID_VALUE, ("number",))
        assert "letters, digits" in found.message


class TestRefuse:
    def test_with_every_problem_at_once(self) -> None:
        problems = [*number_problems(""), *guard_problems(Guard(0))]
        with pytest.raises(Refused) as refused:
            refuse(problems)
        assert refused.value.problems() == tuple(problems)

    def test_without_a_problem_nothing_happens(self) -> None:
        refuse([])


class TestNewerValues:
    AT = datetime(2026, 11, 1, tzinfo=UTC)
    DOCUMENT = {
        "profile": {"name": "Steel", "employees": 7, "location": {"city": "Basel"}},
        "proof": {
            "first": {"v": 1, "o": AT},
            "profile/employees": {"v": 2, "o": AT + timedelta(days=2)},
            "profile/industry": {"v": 2, "o": AT + timedelta(days=2)},
        },
    }
    PATHS = ("profile.name", "profile.employees", "profile.industry", "profile.location.city")

    @pytest.mark.parametrize(
        ("days", "newer"),
        [(3, []), (2, []), (1, ["profile.employees"]), (0, ["profile.employees"]), (-1, [*PATHS[:2], PATHS[3]])],
    )
    def test_of_what_is_there(self, days: int, newer: list[str]) -> None:
        proof = Proof(observed_at=self.AT + timedelta(days=days), keeps_newer=True)
        assert list(newer_values(self.DOCUMENT, self.PATHS, proof)) == newer

    def test_none_unless_it_is_asked_for(self) -> None:
        for proof in (Proof(observed_at=datetime(2000, 1, 1, tzinfo=UTC)), Proof(keeps_newer=True)):
            assert newer_values(self.DOCUMENT, self.PATHS, proof) == {}
