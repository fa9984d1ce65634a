"""Everybody who should stay out, by every way in: all hear the same, and nothing else."""

import json
import time
from collections.abc import Callable, Iterator

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from api.claims import LEEWAY_SECONDS, LONGEST_LIFE_SECONDS
from api.tokens import AUDIENCE as LOCAL_AUDIENCE
from api.tokens import ISSUER, KEY_ID
from catalogue.builtin import builtin_catalogue
from schema.build import build_schema
from tests.api.providers import public, raw_token, rsa_key
from tests.api.worlds import CANARY, PROTOCOL, REFUSED, SPOOFED, TRANSPORTS, Heard, World, bearer, by_post, living_world
from tests.figures import Figure


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with living_world(tmp_path_factory.mktemp("identity")) as made:
        yield made


def changed(token: str, place: int) -> str:
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]


def with_signature_of(token: str, other: str) -> str:
    return f"{token.rpartition('.')[0]}.{other.rpartition('.')[2]}"


NOW_LEEWAY = LEEWAY_SECONDS + 5
OTHER = {"kid": "other"}

MUTATIONS: dict[str, Callable[[World], str]] = {
    "none, but a role in headers and query string": lambda world: "",
    "alg none": lambda world: raw_token({"alg": "none", "kid": "first"}, world.fake.claims()),
    "HS256 by the provider's public key": lambda world: raw_token(
        {"alg": "HS256", "kid": "first"}, world.fake.claims(), rsa_key("first").as_pem(private=False)
    ),
    "HS256 of the local key, as the provider": lambda world: raw_token(
        {"alg": "HS256", "kid": KEY_ID}, world.fake.claims(), world.key
    ),
    "kid that is a path": lambda world: world.fake.token(rsa_key("other"), {"kid": "../../../dev/null"}),
    "a key of its own in the header": lambda world: world.fake.token(
        rsa_key("other"), {"kid": "first", "jwk": public(rsa_key("other"))}
    ),
    "addresses of keys in the header": lambda world: world.fake.token(
        rsa_key("other"), {**OTHER, "jku": f"{world.fake.url}/attacker", "x5u": f"{world.fake.url}/attacker"}
    ),
    "crit": lambda world: world.provided({"crit": ["kid"]}),
    "expired": lambda world: world.provided(exp=world.fake.now - NOW_LEEWAY),
    "not yet": lambda world: world.provided(nbf=int(time.time()) + NOW_LEEWAY),
    "list of foreign aud": lambda world: world.provided(aud=["other", LOCAL_AUDIENCE]),
    "iss as list": lambda world: world.provided(iss=[world.fake.url]),
    "no sub": lambda world: world.provided(sub=...),
    "empty sub": lambda world: world.provided(sub=""),
    "sub as list": lambda world: world.provided(sub=["ana"]),
    "no exp": lambda world: world.provided(exp=...),
    "exp as text": lambda world: world.provided(exp=str(world.fake.now + 600)),
    "exp far away": lambda world: world.provided(exp=world.fake.now + 2 * LONGEST_LIFE_SECONDS),
    "truncated": lambda world: world.good[:-20],
    "padded": lambda world: world.good + "==",
    "signature of another token": lambda world: with_signature_of(world.provided(sub="root"), world.good),
    "service account, one character changed": lambda world: changed(world.accounts["good"], 20),
    "service account, revoked": lambda world: world.accounts["revoked"],
    "service account, expired": lambda world: world.accounts["expired"],
}
MORE: dict[str, Callable[[World], str]] = {
    "a person whom the directory does not know": lambda world: world.provided(sub="stranger"),
    "a person who is not active": lambda world: world.provided(sub="gone"),
    "a person who is not active, local": lambda world: world.local.issue("gone", "relationship_manager", None, 5),
    "foreign iss": lambda world: world.provided(iss="https://other.example"),
    "no aud": lambda world: world.provided(aud=...),
    "unknown kid": lambda world: world.fake.token(rsa_key("other")),
    "another algorithm, local": lambda world: raw_token(
        {"alg": "HS512", "kid": KEY_ID}, {"iss": ISSUER, "aud": LOCAL_AUDIENCE, "sub": "root"}, world.key
    ),
    "service account, longer": lambda world: world.accounts["good"] + "A",
    "service account, half": lambda world: world.accounts["good"][:30],
}


async def heard_of(world: World, mutations: dict[str, Callable[[World], str]]) -> dict[tuple[str, str], Heard]:
    """What each transport says to each token."""
    return {
        (name, transport): await ask(world, bearer(forge(world)))
        for name, forge in mutations.items()
        for transport, ask in TRANSPORTS.items()
    }


class TestForgedTokens:
    async def test_the_good_ones_are_let_in(self, world: World) -> None:
        shown = {world.good: CANARY, world.administrator: CANARY, world.accounts["good"]: '"person":"sa_'}
        for token, words in shown.items():
            for transport, ask in TRANSPORTS.items():
                status, body = await ask(world, bearer(token))
                assert (status, words.encode() in body) == ({"socket": 1000}.get(transport, 200), True)

    async def test_72_token_mutations(self, world: World, figure: Figure) -> None:
        assert len(MUTATIONS) == 24
        heard = await heard_of(world, MUTATIONS)
        refused = [key for key, (status, _) in heard.items() if status == REFUSED[key[1]]]
        leaks = [key for key, (_, body) in heard.items() if CANARY.encode() in body]
        bodies = {body for (_, transport), (_, body) in heard.items() if transport != "socket"}
        reasons = {body for (_, transport), (_, body) in heard.items() if transport == "socket"}
        figure(f"{len(refused)} of {len(heard)} token mutations refused, {len(leaks)} canaries, {len(bodies)} body")
        assert [key for key in heard if key not in refused] == []
        assert (len(refused), leaks, len(bodies), reasons) == (72, [], 1, {b"Unauthorized"})
        assert "/attacker" not in world.fake.asked

    async def test_who_is_refused_by_the_directory_hears_the_same(self, world: World) -> None:
        heard = await heard_of(world, MORE | {"none": lambda _world: ""})
        assert {(transport, *answer) for (_, transport), answer in heard.items()} == {
            (transport, *(await ask(world, SPOOFED))) for transport, ask in TRANSPORTS.items()
        }
        assert {status for status, _ in heard.values()} == {401, 4401}

    @pytest.mark.parametrize("transport", TRANSPORTS)
    async def test_two_authorization_headers(self, world: World, transport: str) -> None:
        """Two readers could take the request for two people: it is nobody's, even if both are good."""
        status, body = await TRANSPORTS[transport](world, (*bearer(world.administrator), *bearer(world.good)))
        assert (status, CANARY.encode() in body) == (REFUSED[transport], False)

    async def test_two_authorizations_in_the_first_message(self, world: World) -> None:
        async with connect(f"ws://{world.address}/graphql", subprotocols=[PROTOCOL]) as socket:
            twice = dict.fromkeys(("authorization", "Authorization"), f"Bearer {world.good}")
            await socket.send(json.dumps({"type": "connection_init", "payload": twice}))
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401


def schema_words() -> list[str]:
    """Every name of the schema, and slips of the pen of them: what a guesser would try."""
    types = build_schema(builtin_catalogue())._schema.type_map.values()
    names = {each.name for each in types} | {name for each in types for name in getattr(each, "fields", {})}
    slips = [f"{name}{letter}" for letter in "sxyz" for name in sorted(names)]
    return [*sorted(names), *slips][:2_000]


class TestReconnaissance:
    async def test_2000_words_recover_nothing(self, world: World, figure: Figure) -> None:
        """Without a token nobody learns whether a word means something."""
        words = schema_words()
        assert len(words) == 2_000
        nothing, heard = (await by_post(world, ()))[1], set[bytes]()
        async with httpx2.AsyncClient(base_url=f"http://{world.address}", timeout=30.0) as http:
            for place in range(0, len(words), 10):
                query = {"query": f"{{ {' '.join(words[place : place + 10])} }}"}
                heard.add((await http.post("/graphql", json=query)).content)
            heard.add((await http.post("/graphql", json={"query": "{ __schema { types { name } } }"})).content)
            heard.add((await http.get("/schema.graphql")).content)
        telling = heard - {nothing}
        figure(f"{len(words)} words: {len(telling)} answers that tell anything")
        assert telling == set()
