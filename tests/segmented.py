"""Segments and snapshots for tests, with a clock of their own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from acts.segments import NewSegment, change_segment, define_segment
from acts.segments_snapshots import SnapshotsTaken, take_snapshots
from catalogue.filters import Compare, Filter
from catalogue.kinds import Kind, Operator
from policy.viewer import program
from repositories.reading import Document
from repositories.repositories import Repositories
from tests.books import AT, VIEWER

SEGMENT_EVERY = 20
"""Of so many attributes one has segments."""
TEA: Filter = Compare("profile.industry", Operator.EQ, "TEA")
HAPPY: Filter = Compare("attitude.satisfaction", Operator.GTE, 8.0)


def moment(day: int) -> datetime:
    """The moment of the snapshots of a day."""
    return AT + timedelta(days=day)


async def define(book: Repositories, code: str, where: Filter = TEA, **more: Any) -> Document:
    """A segment of the viewer's."""
    return await define_segment(VIEWER, book, NewSegment(code, f"Segment {code}", where, **more))


async def snapshot(book: Repositories, day: int, **more: Any) -> SnapshotsTaken:
    """The snapshots of a day."""
    return await take_snapshots(book, moment=moment(day), **more)


async def set_values(book: Repositories, client_id: str, **values: object) -> None:
    """Values of a client as if they had been changed long ago; `industry="TEA"` stands for profile.industry."""
    given = {f"profile.{name}": value for name, value in values.items()}
    await book.clients.collection.update_one({"_id": client_id}, {"$set": given})


async def stays(book: Repositories) -> list[tuple[str, str, int, int | None]]:
    """Code, client and the days of coming and going of every stay."""
    rows = await book.store.collection("segment_members").find({}, sort=[("_id", 1)])
    return [
        (
            row["segmentId"].removeprefix("sg_"),
            row["clientId"],
            (row["joinedAt"] - AT).days,
            None if row["leftAt"] is None else (row["leftAt"] - AT).days,
        )
        for row in rows
    ]


async def segments_over(book: Repositories, paths: Sequence[str], moments: Sequence[datetime]) -> None:
    """For some of the paths a segment that looks at it, and one that has looked at it; with a snapshot at each moment.

    Clients go into another stage in between, so that there are some who come and some who go.
    """
    loader, random = program("loader"), Random(7)
    live = [book.catalogue.get_live(path) for path in paths]
    usable = [each for each in live if each.kind is not Kind.GROUP and not book.catalogue.is_restricted(each)]
    plain = [each.path for each in usable if book.catalogue.list_group_of(each) is None][::SEGMENT_EVERY]
    for place, path in enumerate(plain):
        where = Compare(path, Operator.IS_NULL, place % 2 == 0)
        for code in (f"S{place}", f"T{place}"):
            await define_segment(loader, book, NewSegment(code, path, where))
    for moment_of_day in moments:
        await take_snapshots(book, moment=moment_of_day)
        for each in await book.clients.collection.find({}):
            if random.random() < 0.2:
                change = {"$set": {"stage": random.choice(("LOST", "ACTIVE"))}}
                await book.clients.collection.update_one({"_id": each["_id"]}, change)
        if moment_of_day is moments[0]:
            for place in range(len(plain)):
                await change_segment(loader, book, f"T{place}", {}, Compare("stage", Operator.NE, "LOST"))


_OF_A_CLIENT = (
    "segments(first: 3) { totalCount nodes { code playbook } pageInfo { hasNextPage endCursor } } "
    "segmentHistory(first: 3) { nodes { joinedAt leftAt segment { code } } pageInfo { hasNextPage endCursor } }"
)


def segment_question(random: Random, codes: Sequence[str]) -> str:
    """A question about a segment, or about all of them."""
    past = (
        "history(first: 5) { nodes { at size joined left } pageInfo { hasNextPage } } "
        "memberChanges(first: 5) { nodes { at change client { number } } pageInfo { hasNextPage endCursor } }"
    )
    inner = f"code label playbook where size problems {{ message }} members(first: 3) {{ totalCount }} {past}"
    code = random.choice(codes)
    return random.choice(
        (
            f'{{ segment(code: "{code}") {{ {inner} }} }}',
            f'{{ node(id: "sg_{code}") {{ id ... on Segment {{ {inner} }} }} }}',
            "{ segments(first: 50) { totalCount nodes { code size playbook } pageInfo { endCursor } } }",
            f"{{ clients(first: 5) {{ nodes {{ number {_OF_A_CLIENT} }} }} }}",
        )
    )
