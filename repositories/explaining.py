"""What a command asked and how the database carried it out: for people who wonder what a question costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repositories.compile.explained import Asked, Explained, asked_from, explained_from
from repositories.errors import NotSupported, RepositoryError
from repositories.mongo import Store


@dataclass(frozen=True, slots=True)
class Account:
    """One command that was sent."""

    asked: Asked
    explained: Explained | None
    problem: str | None = None
    """Why it could not be explained."""


async def account_of(store: Store, command: Mapping[str, Any]) -> Account:
    """What a command asked, and how the database carries it out when it is asked again.

    Cost: the command itself, once more; nothing where the store has no planner.
    """
    asked = asked_from(command)
    try:
        return Account(asked, explained_from(await store.explain(command, "executionStats")))
    except NotSupported as refusal:
        return Account(asked, None, refusal.message)
    except RepositoryError as error:
        return Account(asked, None, f"The database did not explain it: {error.message}")
