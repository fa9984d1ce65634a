"""What every act of change checks and notes: numbers, proofs, versions, idempotency keys and the hash of a request."""

import json
import re
from collections.abc import Collection as Some
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from catalogue.attribute import Facet
from catalogue.errors import ErrorCode, Problem, Refused, shown
from policy.viewer import Viewer
from repositories.compile.changes import proof_key
from repositories.compile.records import FIRST
from repositories.cursors import value_at
from repositories.plan import Change, Proof

NUMBER = re.compile(r"\w[\w ./+-]{0,63}")
NUMBER_EXPECTED = "1 to 64 letters, digits, spaces, dots, slashes, plus or minus signs, starting with a letter or digit"
FACETS = frozenset(str(each) for each in Facet)
KEY_LIMIT = 200
WORDS_LIMIT = 500
CLOCKS_APART = timedelta(minutes=1)
"""A caller's clock may be ahead of the server's by as much."""
FIRST_OBSERVED = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Guard:
    """What keeps a change from being done on top of another one, or twice."""

    expected_version: int | None = None
    idempotency_key: str | None = None


UNGUARDED = Guard()


def now() -> datetime:
    """The present moment as MongoDB can keep it: whole milliseconds, in UTC."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def key_of(viewer: Viewer, guard: Guard) -> str | None:
    """The idempotency key, made the person's own."""
    return None if guard.idempotency_key is None else f"{viewer.person}:{guard.idempotency_key}"


def request_hash(act: str, *parts: object) -> str:
    """What a request asks for, in 64 characters: the same for the same request."""
    text = json.dumps([act, *parts], sort_keys=True, default=str, ensure_ascii=False)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def guarded_change(
    viewer: Viewer, guard: Guard, values: Mapping[str, object], request: str, moment: datetime | None = None
) -> Change:
    """A change as somebody asks for it, under its key, on the version that was read; `request` is the hash."""
    return Change(
        values,
        viewer.person,
        moment or now(),
        key=key_of(viewer, guard),
        request_hash=request,
        expected_version=guard.expected_version,
        is_compared=True,
    )


def guard_problems(guard: Guard) -> list[Problem]:
    """What is wrong with a key or a version, before anything is read."""
    problems = []
    if guard.idempotency_key is not None and not 1 <= len(guard.idempotency_key) <= KEY_LIMIT:
        problems.append(problem("idempotencyKey", guard.idempotency_key, f"1 to {KEY_LIMIT} characters"))
    if guard.expected_version is not None and guard.expected_version < 1:
        problems.append(problem("expectedVersion", guard.expected_version, "a version from 1 on"))
    return problems


def proof_problems(proof: Proof) -> list[Problem]:
    """What is wrong with a proof."""
    problems = []
    for name, words in (("source", proof.source), ("observer", proof.observer)):
        if words is not None and not 1 <= len(words.strip()) <= len(words) <= WORDS_LIMIT:
            problems.append(problem(name, words, f"1 to {WORDS_LIMIT} characters, not blanks alone").under("proof"))
    if proof.confidence is not None and not 0 <= proof.confidence <= 1:
        problems.append(problem("confidence", proof.confidence, "a number from 0 to 1").under("proof"))
    if proof.keeps_newer and proof.observed_at is None:
        problems.append(problem("observedAt", None, "a moment, because keepsNewer compares by it").under("proof"))
    if proof.observed_at is not None and not FIRST_OBSERVED <= proof.observed_at <= now() + CLOCKS_APART:
        # One to come would keep the value from every later observation until then.
        expected = f"a moment that has been, from {FIRST_OBSERVED.date()} on"
        problems.append(problem("observedAt", proof.observed_at.isoformat(), expected).under("proof"))
    return problems


def newer_values(document: Mapping[str, Any], paths: Some[str], proof: Proof) -> dict[str, datetime]:
    """When those values at the paths were observed that a client has from after the proof; none where they may go."""
    if not proof.keeps_newer or proof.observed_at is None:
        return {}
    seen = {path: proof_at(document, path).get("o") for path in paths}
    return {
        path: at
        for path, at in seen.items()
        if at is not None and at > proof.observed_at and value_at(document, path) is not None
    }


def proof_at(document: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """What a client that was read with its proofs says of the value at a path; nothing where there is none."""
    proofs = document.get("proof") or {}
    found: Mapping[str, Any] = proofs.get(proof_key(path)) or proofs.get(FIRST) or {}
    return found


def problem(name: str, given: object, expected: str) -> Problem:
    """A value of an argument that is not what it should be."""
    message = f"{name} takes {expected}; got {shown(given)}."
    return Problem(ErrorCode.INVALID_VALUE, message, (name,), shown(given), expected)


def number_problems(number: str) -> list[Problem]:
    """What is wrong with a client number."""
    return [] if NUMBER.fullmatch(number) else [problem("number", number, NUMBER_EXPECTED)]


def proof_words(proof: Proof) -> tuple[str, ...]:
    """The proof as it enters the hash of a request."""
    words = tuple(str(each) for each in (proof.source, proof.observer, proof.observed_at, proof.confidence))
    return (*words, "keepsNewer") if proof.keeps_newer else words


def refuse(problems: list[Problem]) -> None:
    """Raises: Refused, if there is any problem."""
    if problems:
        raise Refused(problems)
