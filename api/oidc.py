"""Bearer tokens of identity providers that speak OpenID Connect."""

from collections.abc import Sequence

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from api.claims import Claims, InvalidToken, VerifiedTokens, check_claims, header_of, issuer_named_in
from api.clock import Clock
from api.key_sets import KeySet
from api.settings import Settings, SettingsError
from api.tokens import LocalIssuer


class Provider:
    """Verifies the tokens of one issuer by the keys that it publishes."""

    def __init__(
        self, issuer: str, audience: str, keys: KeySet, algorithms: Sequence[str], person_claim: str, now: Clock
    ) -> None:
        self.issuer = issuer
        self._audience = audience
        self._keys = keys
        self._algorithms = tuple(algorithms)
        # Providers add headers of their own; they say nothing to us, and what must be understood is refused before.
        self._registry = JWSRegistry(algorithms=list(algorithms), strict_check_header=False)
        self._person_claim = person_claim
        self._now = now
        self._verified = VerifiedTokens()

    async def verify(self, token: str) -> Claims:
        """The claims of a token that this issuer signed for us and that has not expired.

        Raises: InvalidToken; Unavailable while the issuer's keys are not known.
        Cost: a signature check, or one hash where the token was checked within the last minute.
        """
        now = self._now()
        known = self._verified.find(token, now)
        if known is not None:
            return known
        claims = await self._check(token, now)
        self._verified.keep(token, claims, now)
        return claims

    async def _check(self, token: str, now: float) -> Claims:
        header = header_of(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        # Before any key is looked for: only our list decides, and a key is looked up in the issuer's own set alone.
        if algorithm not in self._algorithms or not isinstance(key_id, str):
            raise InvalidToken("alg or kid")
        key = await self._keys.find(key_id)
        if key is None or key.get("alg") not in (None, algorithm):
            raise InvalidToken("no such key")
        try:
            raw = jwt.decode(token, key, algorithms=list(self._algorithms), registry=self._registry).claims
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as problem:
            raise InvalidToken(type(problem).__name__) from None
        expires_at = check_claims(raw, self.issuer, self._audience, now)
        person = raw.get(self._person_claim)
        if not isinstance(person, str) or not person:
            raise InvalidToken(self._person_claim)
        return Claims(person, expires_at)


class Issuers:
    """Everybody whose tokens are believed: the identity providers, and in development the local issuer."""

    def __init__(self, local: LocalIssuer | None, providers: Sequence[Provider] = ()) -> None:
        self._local = local
        self._providers = {each.issuer: each for each in providers}

    async def verify(self, token: str) -> Claims:
        """The claims of a token of one of them.

        Raises: InvalidToken; Unavailable while the keys of its issuer are not known.
        """
        if self._providers:
            provider = self._providers.get(issuer_named_in(token) or "")
            if provider is not None:
                return await provider.verify(token)
        if self._local is None:
            raise InvalidToken("iss")
        return self._local.verify(token)


def build_issuers(settings: Settings, now: Clock) -> Issuers:
    """The issuers of these settings.

    Raises: SettingsError in production without an identity provider.
    """
    check_issuers(settings)
    local = None if settings.environment == "production" else LocalIssuer(settings, now)
    count = len(settings.oidc_issuer)
    audiences = settings.oidc_audience * (count if len(settings.oidc_audience) == 1 else 1)
    addresses = settings.oidc_jwks_uri or (None,) * count
    providers = [
        Provider(issuer, audience, KeySet(issuer, address), settings.oidc_algorithms, settings.oidc_person_claim, now)
        for issuer, audience, address in zip(settings.oidc_issuer, audiences, addresses, strict=True)
    ]
    return Issuers(local, providers)


def check_issuers(settings: Settings) -> None:
    """Refuse settings by which nobody could sign in, or not as was meant.

    Raises: SettingsError.
    """
    count = len(settings.oidc_issuer)
    if settings.environment == "production" and not count:
        raise SettingsError(
            "KEHU_OIDC_ISSUER: got nothing with KEHU_ENVIRONMENT=production, where the local token issuer is off;"
            " expected the https address of your identity provider, with KEHU_OIDC_AUDIENCE beside it."
        )
    given = len(settings.oidc_audience)
    if count and given not in {1, count}:
        expected = "one for all issuers" if count > 1 else "the one that your provider puts into tokens for Kehu"
        also = f", or {count}, one for each in the same order" if count > 1 else ""
        raise SettingsError(f"KEHU_OIDC_AUDIENCE: got {given} audiences; expected {expected}{also}.")
    addresses = len(settings.oidc_jwks_uri)
    if addresses not in {0, count}:
        raise SettingsError(
            f"KEHU_OIDC_JWKS_URI: got {addresses} addresses; expected none, or one for each of the {count} issuers"
            " in the same order."
        )
