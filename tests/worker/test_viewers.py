"""Whom a job is done for: as the directory has them when it runs, never more than when they asked."""

from datetime import timedelta

import pytest

from acts.checks import now
from acts.jobs import Job, enqueue
from policy.viewer import INTEGRATION, Viewer, program
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import change
from worker.viewers import NobodyAnyMore, viewer_of

SCOPES = frozenset(("clients:all", "read:INTERNAL"))
ACCOUNT = Viewer("sa_1", frozenset((INTEGRATION,)), scopes=SCOPES)


async def job_of(book: Repositories, viewer: Viewer) -> Job:
    return await enqueue(viewer, book, "walk", {})


async def enter_account(book: Repositories, **more: object) -> None:
    ends = {"expiresAt": now() + timedelta(days=1)}
    values = {"name": "crm", "scopes": sorted(SCOPES), "tokenHash": "h", **ends, **more}
    await book.service_accounts.insert({ID: "sa_1"}, change(values))


class TestViewerOf:
    async def test_a_program_is_itself(self, book: Repositories) -> None:
        assert await viewer_of(book, await job_of(book, program("kehu-worker"))) == program("kehu-worker")

    async def test_a_person_of_the_same_name_is_no_program(self, book: Repositories) -> None:
        job = await job_of(book, Viewer("kehu-worker", frozenset(("administrator",))))
        with pytest.raises(NobodyAnyMore, match="kehu-worker, who asked for this job"):
            await viewer_of(book, job)

    async def test_a_word_of_the_directory_gives_nobody_kehus_own_rights(self, book: Repositories) -> None:
        values = {"person": "M001", "name": "M001", "roles": ["system", "team_lead", "administrator"]}
        await book.managers.insert({ID: "mg_1"}, change(values))
        job = await job_of(book, Viewer("M001", frozenset(("team_lead",))))
        assert (await viewer_of(book, job)).roles == {"team_lead"}

    async def test_with_the_clients_that_are_open_and_closed_to_him_now(self, book: Repositories) -> None:
        await book.managers.insert({ID: "mg_1"}, change({"person": "M001", "name": "M001", "roles": ["team_lead"]}))
        for kind in ("GRANT", "WALL"):
            values = {"kind": kind, "clientId": f"cl_{kind}", "person": "M001", "startsAt": now()}
            await book.grants.insert({ID: f"gr_{kind}"}, change(values))
        found = await viewer_of(book, await job_of(book, Viewer("M001", frozenset(("team_lead",)))))
        assert (found.granted, found.walled) == (frozenset(("cl_GRANT",)), frozenset(("cl_WALL",)))

    async def test_an_account_with_its_scopes(self, book: Repositories) -> None:
        await enter_account(book)
        assert await viewer_of(book, await job_of(book, ACCOUNT)) == ACCOUNT

    @pytest.mark.parametrize("more", [{"revokedAt": now()}, {"expiresAt": now()}], ids=["revoked", "expired"])
    async def test_an_account_that_holds_no_more(self, book: Repositories, more: dict[str, object]) -> None:
        await enter_account(book, **more)
        with pytest.raises(NobodyAnyMore, match="The service account sa_1"):
            await viewer_of(book, await job_of(book, ACCOUNT))
