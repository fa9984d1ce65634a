"""Inputs that several areas share, as acts get them."""

from datetime import UTC, datetime

from acts.checks import Guard
from repositories.plan import Proof
from schema.inputs import guard_from, proof_from

AT = datetime(2026, 11, 1, tzinfo=UTC)


class TestProofFrom:
    def test_every_part(self) -> None:
        given = {"source": "s", "observer": "o", "observedAt": AT, "confidence": 0.5, "keepsNewer": True}
        assert proof_from({"proof": given}) == Proof("s", "o", AT, 0.5, keeps_newer=True)

    def test_what_is_left_out(self) -> None:
        assert proof_from({}) == proof_from({"proof": None}) == proof_from({"proof": {"keepsNewer": None}}) == Proof()


class TestGuardFrom:
    def test_the_version_may_have_another_name(self) -> None:
        assert guard_from({"expectedRevision": 3, "idempotencyKey": "k"}, "expectedRevision") == Guard(3, "k")
