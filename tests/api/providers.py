"""An identity provider on this machine, which the tests turn, break and count."""

import base64
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.jws import JWSRegistry

AUDIENCE = "kehu-api"
NOW = 1_800_000_000

_ANY = JWSRegistry(
    algorithms=["RS256", "PS256", "ES256", "HS256", "none", "RS512"],
    strict_check_header=False,
)


@cache
def rsa_key(name: str) -> RSAKey:
    """A key pair, made once for each name."""
    return RSAKey.generate_key(2048, {"kid": name})


@cache
def ec_key(name: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": name})


def public(key: RSAKey | ECKey, **more: Any) -> dict[str, Any]:
    """A key as a provider publishes it."""
    return {**key.as_dict(private=False), "use": "sig", **more}


@dataclass
class FakeProvider:
    """What the provider answers, and how often it was asked."""

    url: str = ""
    now: int = NOW
    keys: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Instead of the right ones, by path."""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            return 200, json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode()
        return (200, json.dumps({"keys": self.keys}).encode()) if path == "/keys" else (404, b"")

    def claims(self, **changes: Any) -> dict[str, Any]:
        given = {"iss": self.url, "aud": AUDIENCE, "sub": "ana", "iat": self.now, "exp": self.now + 600}
        return {name: value for name, value in {**given, **changes}.items() if value is not ...}

    def token(self, key: RSAKey | ECKey | OctKey, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A signed token; an ellipsis leaves a claim or a header out."""
        names = {"alg": "ES256" if isinstance(key, ECKey) else "RS256", "kid": key.kid, "typ": "JWT", **(header or {})}
        shown = {name: value for name, value in names.items() if value is not ...}
        return jwt.encode(shown, self.claims(**changes), key, registry=_ANY)


def raw_token(header: dict[str, Any], claims: dict[str, Any], key: bytes | None = None) -> str:
    """A token made by hand: what no library makes, signed by HMAC-SHA256 or not at all."""
    shown = ".".join(base64url(json.dumps(each).encode()) for each in (header, claims))
    return f"{shown}.{'' if key is None else base64url(hmac.digest(key, shown.encode(), 'sha256'))}"


def base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


@contextmanager
def provider() -> Iterator[FakeProvider]:
    """A provider with one key, on a free port of the loopback interface."""
    made = FakeProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = made.answer(self.path)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{made.url}/keys")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    made.keys = [public(rsa_key("first"))]
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
