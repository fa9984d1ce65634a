"""Tokens of identity providers, against one on this machine."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api import key_sets
from api.claims import LEEWAY_SECONDS, Claims, InvalidToken
from api.key_sets import KEEP_SECONDS, PAUSE_SECONDS, RENEW_SECONDS, RETRY_SECONDS, KeySet
from api.oidc import Issuers, Provider, build_issuers
from api.settings import Settings, SettingsError, load_settings
from api.tokens import LocalIssuer
from repositories.errors import Unavailable
from tests.api.providers import AUDIENCE, NOW, FakeProvider, ec_key, provider, public, raw_token, rsa_key

DISCOVERY = "/.well-known/openid-configuration"


class Hands:
    """The wall clock and the time that has passed, moved by the tests."""

    def __init__(self) -> None:
        self.wall = float(NOW)
        self.passed = 1_000.0

    def go(self, seconds: float) -> None:
        self.passed += seconds


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with provider() as made:
        yield made


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    made = Hands()
    monkeypatch.setattr(KeySet, "_now", lambda _self: made.passed)
    return made


@pytest.fixture
def theirs(fake: FakeProvider, hands: Hands) -> Provider:
    keys = KeySet(fake.url)
    return Provider(fake.url, AUDIENCE, keys, ("RS256", "PS256", "ES256"), "sub", lambda: hands.wall)


FORGED: dict[str, Callable[[FakeProvider], str]] = {
    "nothing": lambda fake: "",
    "alg none": lambda fake: raw_token({"alg": "none", "kid": "first"}, fake.claims()),
    "HS256 with the public key": lambda fake: raw_token(
        {"alg": "HS256", "kid": "first"}, fake.claims(), rsa_key("first").as_pem(private=False)
    ),
    "an algorithm not taken": lambda fake: fake.token(rsa_key("first"), {"alg": "RS512"}),
    "ES256 for an RSA key": lambda fake: fake.token(ec_key("first")),
    "another key of that name": lambda fake: fake.token(rsa_key("other"), {"kid": "first"}),
    "a key the issuer has not": lambda fake: fake.token(rsa_key("other")),
    "no kid": lambda fake: fake.token(rsa_key("first"), {"kid": ...}),
    "kid that is a path": lambda fake: fake.token(rsa_key("other"), {"kid": "../../keys"}),
    "kid as list": lambda fake: raw_token({"alg": "RS256", "kid": ["first"]}, fake.claims(), b"any"),
    "key in the header": lambda fake: fake.token(rsa_key("other"), {"kid": "first", "jwk": public(rsa_key("other"))}),
    "address of keys in the header": lambda fake: fake.token(
        rsa_key("other"), {"kid": "other", "jku": f"{fake.url}/attacker", "x5u": f"{fake.url}/attacker"}
    ),
    "crit": lambda fake: fake.token(rsa_key("first"), {"crit": ["kid"]}),
    "foreign iss": lambda fake: fake.token(rsa_key("first"), iss="https://other.example"),
    "iss as list": lambda fake: fake.token(rsa_key("first"), iss=[fake.url]),
    "foreign aud": lambda fake: fake.token(rsa_key("first"), aud="other"),
    "list of foreign aud": lambda fake: fake.token(rsa_key("first"), aud=["other", "another"]),
    "no aud": lambda fake: fake.token(rsa_key("first"), aud=...),
    "no sub": lambda fake: fake.token(rsa_key("first"), sub=...),
    "sub as number": lambda fake: fake.token(rsa_key("first"), sub=7),
    "no exp": lambda fake: fake.token(rsa_key("first"), exp=...),
    "exp as text": lambda fake: fake.token(rsa_key("first"), exp=str(NOW + 600)),
    "expired": lambda fake: fake.token(rsa_key("first"), exp=NOW - LEEWAY_SECONDS),
    "not yet": lambda fake: fake.token(rsa_key("first"), nbf=NOW + LEEWAY_SECONDS + 1),
    "made in the future": lambda fake: fake.token(rsa_key("first"), iat=NOW + LEEWAY_SECONDS + 1),
    "four parts": lambda fake: fake.token(rsa_key("first")) + ".x",
    "encrypted": lambda fake: raw_token({"alg": "dir", "enc": "A128GCM", "kid": "first"}, {}) + "..",
}


class TestProvider:
    async def test_a_good_token(self, theirs: Provider, fake: FakeProvider) -> None:
        assert await theirs.verify(fake.token(rsa_key("first"))) == Claims("ana", NOW + 600)
        assert fake.asked == [DISCOVERY, "/keys"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"aud": [AUDIENCE, "other"]},
            {"exp": NOW - LEEWAY_SECONDS + 1},
            {"nbf": NOW + LEEWAY_SECONDS},
            {"iat": ...},
            {"roles": ["administrator"], "role": "administrator", "team": "north"},
        ],
    )
    async def test_good_too(self, theirs: Provider, fake: FakeProvider, changes: dict[str, Any]) -> None:
        claims = await theirs.verify(fake.token(rsa_key("first"), **changes))
        assert (claims.person, claims.role, claims.team, claims.is_local) == ("ana", None, None, False)

    @pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
    async def test_refused(self, theirs: Provider, fake: FakeProvider, forge: Callable[[FakeProvider], str]) -> None:
        fake.keys.append(public(ec_key("elliptic")))
        with pytest.raises(InvalidToken):
            await theirs.verify(forge(fake))
        assert "/attacker" not in fake.asked

    async def test_headers_of_their_own(self, theirs: Provider, fake: FakeProvider) -> None:
        header = {"nonce": "n", "x5t": "abc", "typ": "at+jwt"}
        assert (await theirs.verify(fake.token(rsa_key("first"), header))).person == "ana"

    async def test_another_claim_names_the_person(self, fake: FakeProvider, hands: Hands) -> None:
        named = Provider(fake.url, AUDIENCE, KeySet(fake.url), ("RS256",), "email", lambda: hands.wall)
        token = fake.token(rsa_key("first"), email="ana@bank.example")
        assert (await named.verify(token)).person == "ana@bank.example"
        with pytest.raises(InvalidToken):
            await named.verify(fake.token(rsa_key("first")))

    async def test_remembered_but_not_past_its_end(self, theirs: Provider, fake: FakeProvider, hands: Hands) -> None:
        token = fake.token(rsa_key("first"), exp=NOW + 20)
        await theirs.verify(token)
        hands.wall += 20 + LEEWAY_SECONDS
        with pytest.raises(InvalidToken):
            await theirs.verify(token)

    @pytest.mark.parametrize("skew", [-300, 300])
    async def test_a_clock_that_is_five_minutes_off(
        self, theirs: Provider, fake: FakeProvider, hands: Hands, skew: int
    ) -> None:
        """Fast, it refuses what ends within the skew; slow, what was made within it: never more than the leeway."""
        hands.wall = NOW + skew
        ending = NOW + skew - LEEWAY_SECONDS if skew > 0 else NOW + 600
        with pytest.raises(InvalidToken):
            await theirs.verify(fake.token(rsa_key("first"), exp=ending))


class TestKeySet:
    async def test_a_new_key_is_found_at_once(self, theirs: Provider, fake: FakeProvider, hands: Hands) -> None:
        await theirs.verify(fake.token(rsa_key("first")))
        fake.keys = [public(ec_key("second"))]
        hands.go(PAUSE_SECONDS)
        assert (await theirs.verify(fake.token(ec_key("second")))).person == "ana"
        with pytest.raises(InvalidToken):
            await theirs.verify(fake.token(rsa_key("first"), sub="somebody whose token is not remembered"))

    async def test_a_flood_of_unknown_keys_is_one_request_a_minute(
        self, theirs: Provider, fake: FakeProvider, hands: Hands
    ) -> None:
        await theirs.verify(fake.token(rsa_key("first")))
        flood = [fake.token(rsa_key("other"), {"kid": f"k{number}"}) for number in range(200)]
        for expected in (1, 1, 2, 2):
            answers = await asyncio.gather(*map(theirs.verify, flood), return_exceptions=True)
            assert {type(each) for each in answers} == {InvalidToken}
            assert fake.asked.count("/keys") == expected
            hands.go(PAUSE_SECONDS / 2 + 1)

    async def test_old_keys_hold_while_the_provider_is_away(
        self, theirs: Provider, fake: FakeProvider, hands: Hands
    ) -> None:
        await theirs.verify(fake.token(rsa_key("first")))
        fake.answers = {DISCOVERY: (500, b"")}
        hands.go(KEEP_SECONDS - 1)
        assert (await theirs.verify(fake.token(rsa_key("first"), sub="ben"))).person == "ben"
        await asyncio.sleep(0.1)
        hands.go(2)
        with pytest.raises(Unavailable, match="The identity provider does not answer"):
            await theirs.verify(fake.token(rsa_key("first"), sub="cid"))

    async def test_away_from_the_start(self, theirs: Provider, fake: FakeProvider, hands: Hands) -> None:
        fake.answers = {DISCOVERY: (500, b"")}
        for _ in range(20):
            with pytest.raises(Unavailable):
                await theirs.verify(fake.token(rsa_key("first")))
        assert len(fake.asked) == 1
        fake.answers = {}
        hands.go(RETRY_SECONDS)
        assert (await theirs.verify(fake.token(rsa_key("first")))).person == "ana"

    async def test_a_withdrawn_key_goes(self, theirs: Provider, fake: FakeProvider, hands: Hands) -> None:
        await theirs.verify(fake.token(rsa_key("first")))
        fake.keys = [public(rsa_key("second"))]
        hands.go(RENEW_SECONDS + 1)
        await theirs.verify(fake.token(rsa_key("first"), sub="the last one"))
        for _ in range(500):
            if fake.asked.count("/keys") == 2:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        with pytest.raises(InvalidToken):
            await theirs.verify(fake.token(rsa_key("first"), sub="too late"))

    @pytest.mark.parametrize(
        "answer",
        [
            (302, b""),
            (404, b""),
            (200, b"no JSON"),
            (200, b"[]"),
            (200, b'{"keys": {}}'),
            (200, b"[" * 100_000),
            (200, b'{"keys": [' + b" " * key_sets.LARGEST_ANSWER_BYTES + b"]}"),
        ],
    )
    async def test_bad_answers(self, theirs: Provider, fake: FakeProvider, answer: tuple[int, bytes]) -> None:
        fake.answers = {"/keys": answer}
        with pytest.raises(Unavailable):
            await theirs.verify(fake.token(rsa_key("first")))
        assert fake.asked == [DISCOVERY, "/keys"]

    @pytest.mark.parametrize(
        "configuration",
        [
            {"issuer": "https://other.example", "jwks_uri": "https://other.example/keys"},
            {"jwks_uri": "https://other.example/keys"},
            {"issuer": ..., "jwks_uri": "http://other.example/keys"},
            {"issuer": ..., "jwks_uri": "ftp://other.example/keys"},
            {"issuer": ...},
        ],
    )
    async def test_bad_configurations(
        self, theirs: Provider, fake: FakeProvider, configuration: dict[str, Any]
    ) -> None:
        shown = {name: fake.url if value is ... else value for name, value in configuration.items()}
        fake.answers = {DISCOVERY: (200, json.dumps(shown).encode())}
        with pytest.raises(Unavailable):
            await theirs.verify(fake.token(rsa_key("first")))
        assert fake.asked == [DISCOVERY]

    async def test_keys_that_cannot_be_used_are_left_out(self, fake: FakeProvider) -> None:
        secret = {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}
        fake.keys = [
            secret,
            {"kty": "RSA", "kid": "broken", "n": "AQ"},
            {"kty": ["RSA"], "kid": "odd"},
            public(rsa_key("encrypting"), use="enc"),
            {name: value for name, value in public(rsa_key("nameless")).items() if name != "kid"},
            public(rsa_key("first")),
        ]
        keys = KeySet(fake.url, f"{fake.url}/keys")
        assert await keys.find("first") is not None
        assert [await keys.find(each) for each in ("secret", "broken", "odd", "encrypting")] == [None] * 4
        assert DISCOVERY not in fake.asked

    async def test_a_slow_provider(self, theirs: Provider, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(key_sets, "ANSWER_SECONDS", 0.2)
        monkeypatch.setattr(key_sets, "answer_of", lambda _uri: asyncio.sleep(30))
        started = asyncio.get_running_loop().time()
        with pytest.raises(Unavailable):
            await theirs.verify(fake.token(rsa_key("first")))
        assert asyncio.get_running_loop().time() - started < 5


class TestIssuers:
    async def test_each_by_its_own_keys(self, tmp_path: Path, fake: FakeProvider, theirs: Provider) -> None:
        local = LocalIssuer(Settings(data_dir=tmp_path), lambda: float(NOW))
        both = Issuers(local, [theirs])
        assert (await both.verify(local.issue("ben", "auditor", None, 5))).is_local
        assert (await both.verify(fake.token(rsa_key("first")))).person == "ana"
        with pytest.raises(InvalidToken):
            await both.verify(fake.token(rsa_key("first"), iss="kehu-local"))

    async def test_in_production_the_local_one_is_off(self, tmp_path: Path, fake: FakeProvider) -> None:
        here = LocalIssuer(Settings(data_dir=tmp_path), lambda: float(NOW))
        settings = Settings(
            data_dir=tmp_path, environment="production", oidc_issuer=(fake.url,), oidc_audience=(AUDIENCE,)
        )
        issuers = build_issuers(settings, lambda: float(NOW))
        assert (await issuers.verify(fake.token(rsa_key("first")))).person == "ana"
        with pytest.raises(InvalidToken):
            await issuers.verify(here.issue("ben", "administrator", None, 5))


class TestBuildIssuers:
    def test_production_needs_a_provider(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path, environment="production")
        with pytest.raises(SettingsError, match="KEHU_OIDC_ISSUER: got nothing with KEHU_ENVIRONMENT=production"):
            build_issuers(settings, lambda: float(NOW))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("audiences", "addresses", "message"),
        [
            ("", "", "KEHU_OIDC_AUDIENCE: got 0 audiences; expected one for all issuers, or 2"),
            ("a,b,c", "", "KEHU_OIDC_AUDIENCE: got 3 audiences"),
            ("a", "https://one.example/keys", "KEHU_OIDC_JWKS_URI: got 1 addresses; expected none, or one for each"),
        ],
    )
    def test_lists_that_do_not_fit(self, tmp_path: Path, audiences: str, addresses: str, message: str) -> None:
        settings = load_settings(
            data_dir=tmp_path,
            oidc_issuer="https://one.example, https://two.example",
            oidc_audience=audiences,
            oidc_jwks_uri=addresses,
        )
        with pytest.raises(SettingsError, match=message):
            build_issuers(settings, lambda: float(NOW))


class TestSettings:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("oidc_algorithms", "HS256"),
            ("oidc_algorithms", "RS256,none"),
            ("oidc_algorithms", ","),
            ("oidc_issuer", "http://login.example"),
            ("oidc_issuer", "login.example"),
            ("oidc_issuer", "https://user:word@login.example"),
            ("oidc_jwks_uri", "ftp://other.example/keys"),
            ("oidc_person_claim", "a b"),
        ],
    )
    def test_refused(self, name: str, value: str) -> None:
        with pytest.raises(SettingsError, match=f"KEHU_{name.upper()}: got"):
            load_settings(**{name: value})

    def test_taken(self) -> None:
        settings = load_settings(
            oidc_issuer="https://login.example/tenant, http://localhost:8080/realms/bank", oidc_algorithms="ES256,EdDSA"
        )
        assert settings.oidc_issuer == ("https://login.example/tenant", "http://localhost:8080/realms/bank")
        assert settings.oidc_algorithms == ("ES256", "EdDSA")
