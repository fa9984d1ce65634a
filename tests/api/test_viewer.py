"""Authorization header -> Viewer."""

import pytest

from api.tokens import Claims, InvalidToken
from api.viewer import Authenticator, Unauthenticated, bearer_token_from
from policy.viewer import Viewer


def verify(token: str) -> Claims:
    if token != "good":
        raise InvalidToken("not good")
    return Claims("rm-001", "team_lead", "north", 2_000_000_000)


class TestAuthenticator:
    async def test_viewer(self) -> None:
        viewer = await Authenticator(verify)("Bearer good")
        assert viewer == Viewer("rm-001", frozenset({"team_lead"}), "north")

    async def test_the_directory_has_the_last_word(self) -> None:
        async def enter(viewer: Viewer) -> Viewer:
            return Viewer(viewer.person, frozenset({"auditor"}), None)

        assert await Authenticator(verify, enter)("Bearer good") == Viewer("rm-001", frozenset({"auditor"}), None)

    async def test_the_directory_is_not_asked_about_strangers(self) -> None:
        async def enter(viewer: Viewer) -> Viewer:
            raise AssertionError(viewer)

        with pytest.raises(Unauthenticated):
            await Authenticator(verify, enter)("Bearer bad")

    async def test_refusal_says_nothing(self) -> None:
        with pytest.raises(Unauthenticated) as refused:
            await Authenticator(verify)("Bearer bad")
        assert str(refused.value) == ""


class TestBearerTokenFrom:
    @pytest.mark.parametrize("header", ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c "])
    def test_token(self, header: str) -> None:
        assert bearer_token_from(header) == "a.b.c"

    @pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic abc", "a.b.c", "Bearer\ta"])
    def test_none(self, header: str | None) -> None:
        with pytest.raises(Unauthenticated):
            bearer_token_from(header)
