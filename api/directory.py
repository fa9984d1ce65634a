"""Claims and service-account tokens -> Viewer, by what Kehu's own directory says at this moment."""

import logging
import time

from acts.grants import single_clients
from acts.managers import enter_person, find_person
from acts.service_accounts import find_account, find_account_by_id, hash_of, note_use
from api.claims import Claims, InvalidToken
from api.clock import Clock
from api.kept import Kept
from policy.viewer import INTEGRATION, ROLES, Viewer
from repositories.errors import RepositoryError, Unavailable
from repositories.grants import SingleClients
from repositories.managers import Person
from repositories.repositories import Source
from repositories.service_accounts import ID_PREFIX as ACCOUNT_PREFIX
from repositories.service_accounts import Account

log = logging.getLogger("kehu.api")

USE_NOTED_SECONDS = 60
"""The last use of an account is written once in so long, at most."""
AGE_SECONDS = 2.0
"""For so long what the directory says of a person or an account is taken as read."""
_AWAY = "The directory of people cannot be read, so nobody can be signed in just now. Try again in a few seconds."


class Directory:
    """Who people and service accounts are.

    Cost: one read in two seconds for each person, whatever the number of requests.
    """

    def __init__(self, source: Source, now: Clock = time.time) -> None:
        self._source = source
        self._now = now
        self._people = Kept(self._read_person, AGE_SECONDS)
        self._singles = Kept(self._read_singles, AGE_SECONDS)
        self._accounts = Kept(self._read_account, AGE_SECONDS)
        self._noted: dict[str, float] = {}

    async def person(self, claims: Claims) -> Viewer:
        """The person whom verified claims name, with the roles, team and region of the directory.

        A token that names one role gets no other one, and that one only if the person has it.
        Raises: InvalidToken for a person who is unknown or no longer active; Unavailable.
        """
        found = await self._people.get(claims.person)
        if found is None:
            found = await self._entered(claims)
        if not found.is_active:
            raise InvalidToken("a person who is not active")
        # Those of Kehu's own commands are no words of the directory, whoever has written them there.
        roles = found.roles.intersection(ROLES if claims.role is None else (claims.role,))
        singles = await self._singles.get((claims.person, found.team))
        return Viewer(
            claims.person,
            roles,
            found.team,
            found.manager_id,
            found.region,
            granted=singles.granted,
            walled=singles.walled,
            expires_at=float(claims.expires_at),
        )

    async def _entered(self, claims: Claims) -> Person:
        if not claims.is_local or claims.role is None:
            raise InvalidToken("a person whom the directory does not know")
        newcomer = Viewer(claims.person, frozenset((claims.role,)), claims.team)
        try:
            await enter_person(self._source(), newcomer)
        except RepositoryError as error:
            raise _away(error) from error
        self._people.forget(claims.person)
        found = await self._people.get(claims.person)
        if found is None:
            raise Unavailable(_AWAY)
        return found

    async def account(self, token: str) -> Viewer:
        """The service account that a token belongs to.

        Raises: InvalidToken for a token of none, or of one that is revoked or has expired; Unavailable.
        """
        token_hash = hash_of(token)
        found = None if token_hash is None else await self._accounts.get(token_hash)
        now = self._now()
        if found is None or found.is_revoked or now >= found.expires_at:
            raise InvalidToken("no service account that holds")
        if now - max(found.last_used_at or 0.0, self._noted.get(found.id, 0.0)) >= USE_NOTED_SECONDS:
            # Before the write, so that the requests beside this one do not write too.
            self._noted[found.id] = now
            try:
                await note_use(self._source(), found.id)
            except RepositoryError as error:
                log.warning("the last use of service account %s was not noted: %s", found.id, error)
        singles = await self._singles.get((found.id, None))
        return Viewer(
            found.id,
            frozenset((INTEGRATION,)),
            scopes=found.scopes,
            purpose=found.purpose,
            granted=singles.granted,
            walled=singles.walled,
            expires_at=found.expires_at,
        )

    async def known(self, person: str) -> Viewer | None:
        """A person or a service account as it is known now, in all its roles; None for one that is not active any more.

        Raises: Unavailable.
        """
        if person.startswith(ACCOUNT_PREFIX):
            account = await self._read_by_id(person)
            if account is None or account.is_revoked or self._now() >= account.expires_at:
                return None
            return Viewer(person, frozenset((INTEGRATION,)), scopes=account.scopes)
        found = await self._read_person(person)
        if found is None or not found.is_active:
            return None
        return Viewer(person, found.roles.intersection(ROLES), found.team, found.manager_id, found.region)

    async def _read_by_id(self, account_id: str) -> Account | None:
        try:
            return await find_account_by_id(self._source(), account_id)
        except RepositoryError as error:
            raise _away(error) from error

    async def _read_person(self, person: str) -> Person | None:
        try:
            return await find_person(self._source(), person)
        except RepositoryError as error:
            raise _away(error) from error

    async def _read_singles(self, whose: tuple[str, str | None]) -> SingleClients:
        try:
            return await single_clients(self._source(), *whose)
        except RepositoryError as error:
            raise _away(error) from error

    async def _read_account(self, token_hash: str) -> Account | None:
        try:
            return await find_account(self._source(), token_hash)
        except RepositoryError as error:
            raise _away(error) from error


def _away(error: RepositoryError) -> Unavailable:
    return error if isinstance(error, Unavailable) else Unavailable(_AWAY)
