"""Whom a job is done for, as the directory knows them when it runs."""

from acts.checks import now
from acts.grants import single_clients
from acts.jobs import Job
from acts.managers import find_person
from acts.service_accounts import find_account_by_id
from policy.viewer import INTEGRATION, ROLES, SYSTEM, Viewer, program
from repositories.repositories import Repositories
from repositories.service_accounts import ID_PREFIX as ACCOUNT_PREFIX


class NobodyAnyMore(Exception):
    """Whoever asked for the job may not do anything any more."""


async def viewer_of(repositories: Repositories, job: Job) -> Viewer:
    """The person, the account or the program that asked for a job, with those of the roles then that it still has.

    Raises: NobodyAnyMore.
    Cost: two commands, none for a program.
    """
    if SYSTEM in job.roles:
        return program(job.by)
    if job.by.startswith(ACCOUNT_PREFIX) and job.roles == {INTEGRATION}:
        return await _account(repositories, job)
    found = await find_person(repositories, job.by)
    if found is None or not found.is_active:
        raise NobodyAnyMore(f"{job.by}, who asked for this job, is not active in the directory any more.")
    singles = await single_clients(repositories, job.by, found.team)
    return Viewer(
        job.by,
        job.roles & found.roles & frozenset(ROLES),
        found.team,
        found.manager_id,
        found.region,
        purpose=job.purpose,
        granted=singles.granted,
        walled=singles.walled,
    )


async def _account(repositories: Repositories, job: Job) -> Viewer:
    found = await find_account_by_id(repositories, job.by)
    if found is None or found.is_revoked or now().timestamp() >= found.expires_at:
        raise NobodyAnyMore(f"The service account {job.by}, which asked for this job, does not hold any more.")
    singles = await single_clients(repositories, job.by, None)
    return Viewer(
        job.by,
        frozenset((INTEGRATION,)),
        scopes=found.scopes,
        purpose=found.purpose,
        granted=singles.granted,
        walled=singles.walled,
    )
