"""Tokens of the local issuer."""

import base64
import json
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from api.claims import LEEWAY_SECONDS, LONGEST_LIFE_SECONDS, Claims, InvalidToken
from api.settings import Settings, SettingsError
from api.tokens import AUDIENCE, ISSUER, KEY_ID, LocalIssuer, secret_in

NOW = 1_800_000_000


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(tmp_path: Path, clock: Clock) -> LocalIssuer:
    return LocalIssuer(Settings(data_dir=tmp_path), clock)


def signed(directory: Path, claims: dict[str, Any], header: dict[str, Any] | None = None, key: bytes = b"") -> str:
    """A token signed by the issuer's own key unless another one is given."""
    chosen = OctKey.import_key(key or secret_in(directory, "token.key"))
    names = {"alg": "HS256", "kid": KEY_ID, **(header or {})}
    return jwt.encode(names, claims, chosen, algorithms=["HS256", "HS384", "HS512"])


def good(**changes: Any) -> dict[str, Any]:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "rm-001",
        "role": "team_lead",
        "team": "north",
        "iat": NOW,
        "exp": NOW + 600,
    }
    return {name: value for name, value in {**claims, **changes}.items() if value is not ...}


class TestIssue:
    def test_round_trip(self, issuer: LocalIssuer) -> None:
        token = issuer.issue("rm-001", "relationship_manager", "north", 5)
        assert issuer.verify(token) == Claims("rm-001", NOW + 300, "relationship_manager", "north", is_local=True)

    @pytest.mark.parametrize(
        ("person", "role", "minutes", "message"),
        [
            ("", "auditor", 5, "person: got an empty text"),
            ("rm-001", "boss", 5, 'role: got "boss"; expected one of relationship_manager, team_lead'),
            ("rm-001", "auditor", 0, "minutes: got 0; expected 1 to 527040"),
        ],
    )
    def test_refused(self, issuer: LocalIssuer, person: str, role: str, minutes: int, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            issuer.issue(person, role, None, minutes)

    def test_off_in_production(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="KEHU_ENVIRONMENT: got production"):
            LocalIssuer(Settings(data_dir=tmp_path, environment="production"))
        assert list(tmp_path.iterdir()) == []


MUTATIONS: dict[str, Callable[[Path, str], str]] = {
    "empty": lambda directory, token: "",
    "no dots": lambda directory, token: token.replace(".", ""),
    "two parts": lambda directory, token: token.rpartition(".")[0],
    "empty signature": lambda directory, token: token.rpartition(".")[0] + ".",
    "signature changed": lambda directory, token: token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB"),
    "payload changed": lambda directory, token: ".".join(
        (
            token.split(".")[0],
            base64.urlsafe_b64encode(json.dumps(good(role="administrator")).encode()).decode().rstrip("="),
            token.split(".")[2],
        )
    ),
    "alg none": lambda directory, token: ".".join(
        (base64.urlsafe_b64encode(b'{"alg":"none","kid":"kehu-local-1"}').decode().rstrip("="), token.split(".")[1], "")
    ),
    "another algorithm, our key": lambda directory, token: signed(directory, good(), {"alg": "HS512"}),
    "another key": lambda directory, token: signed(directory, good(), key=b"k" * 32),
    "another kid": lambda directory, token: signed(directory, good(), {"kid": "other"}),
    "no exp": lambda directory, token: signed(directory, good(exp=...)),
    "no aud": lambda directory, token: signed(directory, good(aud=...)),
    "no iss": lambda directory, token: signed(directory, good(iss=...)),
    "no sub": lambda directory, token: signed(directory, good(sub=...)),
    "no role": lambda directory, token: signed(directory, good(role=...)),
    "expired": lambda directory, token: signed(directory, good(exp=NOW - LEEWAY_SECONDS - 1)),
    "not yet": lambda directory, token: signed(directory, good(nbf=NOW + LEEWAY_SECONDS + 2)),
    "exp as text": lambda directory, token: signed(directory, good(exp="9999999999")),
    "exp as infinity": lambda directory, token: signed(directory, good(exp=float("inf"))),
    "exp far away": lambda directory, token: signed(directory, good(exp=NOW + LONGEST_LIFE_SECONDS + 1)),
    "exp past all numbers": lambda directory, token: signed(directory, good(exp=10**30)),
    "exp as truth": lambda directory, token: signed(directory, good(exp=True)),
    "made in the future": lambda directory, token: signed(directory, good(iat=NOW + LEEWAY_SECONDS + 2)),
    "nbf as text": lambda directory, token: signed(directory, good(nbf="1")),
    "empty sub": lambda directory, token: signed(directory, good(sub="")),
    "padded": lambda directory, token: token + "=",
    "foreign aud": lambda directory, token: signed(directory, good(aud="other")),
    "foreign iss": lambda directory, token: signed(directory, good(iss="other")),
    "sub as list": lambda directory, token: signed(directory, good(sub=["rm-001"])),
    "unknown role": lambda directory, token: signed(directory, good(role="root")),
    "roles as list": lambda directory, token: signed(directory, good(role=["administrator"])),
    "team as object": lambda directory, token: signed(directory, good(team={"$ne": 1})),
    "not ASCII": lambda directory, token: token + "客",
    "too long": lambda directory, token: signed(directory, good(more="x" * 9000)),
}


class TestVerify:
    def test_good_claims(self, issuer: LocalIssuer, tmp_path: Path) -> None:
        assert issuer.verify(signed(tmp_path, good())) == Claims(
            "rm-001", NOW + 600, "team_lead", "north", is_local=True
        )

    @pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS.keys())
    def test_refused(self, issuer: LocalIssuer, tmp_path: Path, mutation: Callable[[Path, str], str]) -> None:
        token = issuer.issue("rm-001", "relationship_manager", None, 5)
        with pytest.raises(InvalidToken):
            issuer.verify(mutation(tmp_path, token))

    def test_remembered_but_not_past_its_end(self, issuer: LocalIssuer, clock: Clock) -> None:
        token = issuer.issue("rm-001", "auditor", None, 1)
        issuer.verify(token)
        clock.now += 59
        issuer.verify(token)
        clock.now += 1 + LEEWAY_SECONDS + 1
        with pytest.raises(InvalidToken):
            issuer.verify(token)

    def test_remembered_for_a_minute_at_most(
        self, issuer: LocalIssuer, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checks = 0
        decode = jwt.decode

        def counting(*arguments: Any, **more: Any) -> jwt.Token:
            nonlocal checks
            checks += 1
            return decode(*arguments, **more)

        monkeypatch.setattr(jwt, "decode", counting)
        token = issuer.issue("rm-001", "auditor", None, 60)
        for _ in range(3):
            issuer.verify(token)
        assert checks == 1
        clock.now += 61
        issuer.verify(token)
        assert checks == 2

    def test_another_directory_is_another_issuer(self, issuer: LocalIssuer, tmp_path: Path, clock: Clock) -> None:
        other = LocalIssuer(Settings(data_dir=tmp_path / "other"), clock)
        with pytest.raises(InvalidToken):
            other.verify(issuer.issue("rm-001", "auditor", None, 5))


class TestSecretIn:
    def test_made_once_for_its_owner_only(self, tmp_path: Path) -> None:
        folder = tmp_path / "deep" / "data"
        first = secret_in(folder, "cursor.key")
        assert secret_in(folder, "cursor.key") == first
        assert len(first) == 32
        assert stat.S_IMODE((folder / "cursor.key").stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert [each.name for each in folder.iterdir()] == ["cursor.key"]

    def test_many_at_once_agree(self, tmp_path: Path) -> None:
        # Threads meet in the same file operations as processes do.
        start = threading.Barrier(8)

        def ask(_: int) -> bytes:
            start.wait()
            return secret_in(tmp_path / "data", "token.key")

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(ask, range(8)))) == 1
        assert [each.name for each in (tmp_path / "data").iterdir()] == ["token.key"]

    def test_broken_file(self, tmp_path: Path) -> None:
        (tmp_path / "token.key").write_bytes(b"short")
        with pytest.raises(SettingsError, match=r"token.key: got 5 bytes; expected 32. Remove the file"):
            secret_in(tmp_path, "token.key")
