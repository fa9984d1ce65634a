"""`kehu worker`: work jobs off, beside any number of other workers and servers."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.database import database_uri
from api.serving import log_to_standard_error, warn_of_limits
from api.settings import Settings, SettingsError, load_settings
from api.working import NICENESS, work
from repositories.audit_log import NotAudited
from repositories.embedded import EmbeddedError
from repositories.errors import RepositoryError

FAILED = 1

errors = Console(stderr=True)


def worker(
    slots: Annotated[int | None, typer.Option(min=1, help="Jobs at once (KEHU_JOB_SLOTS).")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Data directory (KEHU_DATA_DIR).")] = None,
    beside: Annotated[int | None, typer.Option(hidden=True, help="The server process to end with.")] = None,
) -> None:
    """Work jobs off until SIGTERM; a job in hand then goes back to the queue, to go on from its last checkpoint."""
    try:
        settings = load_settings(job_slots=slots, data_dir=data)
        log_to_standard_error(settings)
        if settings.mongodb_driver == "memory":
            raise SettingsError(
                "KEHU_MONGODB_DRIVER: got memory, which no second process sees; expected pymongo or motor. "
                "With the memory driver `kehu serve` works jobs off itself."
            )
        if beside is None:
            warn_of_limits()
            errors.print(f"Working jobs off, {settings.job_slots} at a time.", highlight=False)
        else:
            os.nice(NICENESS)
        asyncio.run(_run(settings, beside))
    except (SettingsError, EmbeddedError, RepositoryError, NotAudited) as problem:
        errors.print(str(problem), style="red", soft_wrap=True, markup=False, highlight=False)
        raise typer.Exit(FAILED) from None


async def _run(settings: Settings, beside: int | None) -> None:
    async with database_uri(settings) as uri:
        await work(settings, uri, beside)
