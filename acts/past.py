"""Which moment is meant where somebody asks for the past."""

from datetime import UTC, datetime

from acts.checks import CLOCKS_APART, now
from repositories.errors import NotAsOf


def moment_from(given: datetime | None, name: str = "asOf") -> datetime | None:
    """The moment, as exact as the history keeps them: to the millisecond. None stands for the present.

    Raises: NotAsOf for a moment to come: what it will have been, nobody can say.
    """
    if given is None:
        return None
    if given > now() + CLOCKS_APART:
        raise NotAsOf(f"{name} takes a moment that has been; {given.isoformat()} is to come.", name, str(given))
    return given.astimezone(UTC).replace(microsecond=given.microsecond // 1000 * 1000)
