"""Segments of the demonstration book."""

from acts.demo import load_demo
from acts.demo_segments import SEGMENTS, load_segments
from acts.segments_history import read_figures
from catalogue.builtin import builtin_catalogue
from repositories.mongo import MongoSettings, connect
from tests.books import VIEWER, open_book


async def test_have_members_and_a_history_that_begins() -> None:
    book = await open_book(connect(MongoSettings(driver="memory")), builtin_catalogue())
    await load_demo(book, 120, lambda _done, _count: None)
    sizes = {}
    for each in await book.segments.active():
        (figures,) = await read_figures(VIEWER, book, each, 10)
        sizes[each["code"]] = figures.size
    assert set(sizes) == {code for code, *_ in SEGMENTS}
    assert all(0 < size < 60 for size in sizes.values()), sizes
    await load_segments(VIEWER, book)
    assert len(await book.segments.active()) == len(SEGMENTS)
