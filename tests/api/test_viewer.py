"""Credentials -> Viewer."""

import pytest

from api.claims import LEEWAY_SECONDS, Claims, InvalidToken
from api.errors import HttpRefusal
from api.viewer import (
    Authenticator,
    Credentials,
    Unauthenticated,
    bearer_token_from,
    credentials_from,
    end_of,
)
from policy.viewer import Viewer

EXPIRY = 2_000_000_000
PERSON = Viewer("rm-001", frozenset({"team_lead"}), "north", expires_at=EXPIRY)
PROGRAM = Viewer("sa_1", frozenset({"integration"}), scopes=frozenset({"clients:all"}))
GOOD = Credentials("Bearer good")


async def verify(token: str) -> Claims:
    if token != "good":
        raise InvalidToken("not good")
    return Claims("rm-001", EXPIRY, "team_lead", "north")


async def person(claims: Claims) -> Viewer:
    assert claims.person == "rm-001"
    return PERSON


async def account(token: str) -> Viewer:
    if token != "kehu_sa_good":
        raise InvalidToken("not good")
    return PROGRAM


AUTHENTICATE = Authenticator(verify, person, account)


class TestAuthenticator:
    async def test_person(self) -> None:
        assert await AUTHENTICATE(GOOD) is PERSON

    async def test_program(self) -> None:
        assert await AUTHENTICATE(Credentials("Bearer kehu_sa_good")) is PROGRAM

    async def test_the_directory_is_not_asked_about_strangers(self) -> None:
        async def never(claims: Claims) -> Viewer:
            raise AssertionError(claims)

        with pytest.raises(Unauthenticated):
            await Authenticator(verify, never, account)(Credentials("Bearer bad"))

    async def test_the_directory_has_the_last_word(self) -> None:
        async def gone(claims: Claims) -> Viewer:
            raise InvalidToken("a person who is not active")

        with pytest.raises(Unauthenticated):
            await Authenticator(verify, gone, account)(GOOD)

    @pytest.mark.parametrize(
        "credentials",
        [
            Credentials(),
            Credentials("Bearer bad"),
            Credentials("Bearer kehu_sa_bad"),
            Credentials("Bearer good", is_ambiguous=True),
        ],
    )
    async def test_refusal_says_nothing(self, credentials: Credentials) -> None:
        with pytest.raises(Unauthenticated) as refused:
            await AUTHENTICATE(credentials)
        assert str(refused.value) == ""

    async def test_purpose(self) -> None:
        viewer = await AUTHENTICATE(Credentials("Bearer good", "CREDIT_REVIEW"))
        assert (viewer.purpose, viewer.person, viewer.expires_at) == ("CREDIT_REVIEW", "rm-001", EXPIRY)

    @pytest.mark.parametrize("purpose", ["", "review", "A" * 41, "_A", "REVIEW 2", "1A", "客"])
    async def test_purpose_of_another_shape(self, purpose: str) -> None:
        with pytest.raises(HttpRefusal, match="Kehu-Purpose takes a word in capitals such as CREDIT_REVIEW") as refused:
            await AUTHENTICATE(Credentials("Bearer good", purpose))
        assert (refused.value.status, refused.value.code) == (400, "BAD_USER_INPUT")

    async def test_a_stranger_hears_nothing_of_purposes(self) -> None:
        with pytest.raises(Unauthenticated):
            await AUTHENTICATE(Credentials("Bearer bad", "no purpose"))


class TestBearerTokenFrom:
    @pytest.mark.parametrize("header", ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c "])
    def test_token(self, header: str) -> None:
        assert bearer_token_from(header) == "a.b.c"

    @pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic abc", "a.b.c", "Bearer\ta"])
    def test_none(self, header: str | None) -> None:
        with pytest.raises(InvalidToken):
            bearer_token_from(header)


class TestCredentialsFrom:
    def test_both(self) -> None:
        headers = [(b"host", b"h"), (b"authorization", b"Bearer a"), (b"kehu-purpose", b"AUDIT")]
        assert credentials_from(headers) == Credentials("Bearer a", "AUDIT")

    @pytest.mark.parametrize("name", [b"authorization", b"kehu-purpose"])
    def test_twice(self, name: bytes) -> None:
        assert credentials_from([(name, b"a"), (name, b"a")]).is_ambiguous


class TestEndOf:
    @pytest.mark.parametrize(
        ("now", "end"),
        [(EXPIRY - 60, EXPIRY), (EXPIRY - 1, EXPIRY), (EXPIRY, EXPIRY + LEEWAY_SECONDS)],
    )
    def test_as_the_token_expires(self, now: float, end: float) -> None:
        assert end_of(PERSON, now) == end

    def test_never(self) -> None:
        assert end_of(PROGRAM, 1.0) == float("inf")
