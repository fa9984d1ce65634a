"""Computed attributes in a file: each behind what it reads, and all of them or none."""

import json
from typing import Any

import pytest

from acts.approvals import Decision, decide_approval
from acts.attributes_as_code import compare
from acts.checks import UNGUARDED
from acts.performers import PERFORMERS
from catalogue.attribute import Attribute, Sensitivity
from catalogue.kinds import Kind
from catalogue.model_use import Gives, ModelInput, ModelUse
from catalogue.rollups.rollup import Rollup, RollupFunction
from repositories.repositories import Repositories
from tests.acts.test_attributes_as_code import OTHER, STEWARD, bring, other, refused
from tests.books import attribute

pytestmark = pytest.mark.real_drivers


def computed(path: str, formula: object, **more: Any) -> Attribute:
    return attribute(path, Kind.NUMBER, formula=json.dumps(formula), sensitivity=Sensitivity.INTERNAL, **more)


DEBT = attribute("profile.zDebt", Kind.NUMBER, sensitivity=Sensitivity.INTERNAL)
RATIO = computed("derived.ratio", {"$add": ["$profile.zDebt", 1]})
BAND = computed("derived.band", {"$add": ["$derived.ratio", 1]})
"""By their paths they would come in just the other order."""


class TestOrder:
    async def test_what_is_read_comes_first_and_a_second_time_nothing_happens(self, book: Repositories) -> None:
        busy = computed("derived.busy", {"$multiply": ["$derived.contacts", 2]})
        rollup = Rollup(area="interactions", function=RollupFunction.COUNT)
        level = Sensitivity.INTERNAL
        contacts = attribute("derived.contacts", Kind.LONG, rollup=rollup, sensitivity=level)
        channel = attribute("channel", Kind.STRING, area="interactions", sensitivity=level)
        moment = attribute("at", Kind.DATETIME, area="interactions", sensitivity=level)
        applied = await bring(book, BAND, busy, contacts, RATIO, DEBT, channel, moment)
        assert (applied.stopped, applied.waiting) == (None, [])
        done = [each.removesuffix(" is defined") for each in applied.done]
        for before, after in (("profile.zDebt", "derived.ratio"), ("derived.ratio", "derived.band")):
            assert done.index(before) < done.index(after)
        assert done.index("at") < done.index("derived.contacts") < done.index("derived.busy")
        assert (await bring(book, BAND, busy, contacts, RATIO, DEBT, channel, moment)).done == []

    async def test_a_change_that_reads_what_comes_along(self, book: Repositories) -> None:
        await bring(book, DEBT, RATIO, BAND)
        # The two change places.
        band = other(BAND, formula=json.dumps({"$add": ["$profile.zDebt", 1]}))
        ratio = other(RATIO, formula=json.dumps({"$add": ["$derived.band", "$profile.zNew"]}))
        new = attribute("profile.zNew", Kind.NUMBER, sensitivity=Sensitivity.INTERNAL)
        applied = await bring(book, ratio, band, new)
        assert applied.stopped is None
        changed = ["derived.band has another formula", "profile.zNew is defined", "derived.ratio has another formula"]
        assert applied.done == changed
        assert await compare(STEWARD, book, [ratio, band, new, DEBT]) == []


class TestAllOrNone:
    async def test_what_cannot_be_computed_keeps_the_whole_file_out(self, book: Repositories) -> None:
        fine = attribute("attitude.fine")
        assert "which is no operator" in (await refused(book, fine, computed("derived.bad", {"$nope": 1}), DEBT))[0]
        circle = other(RATIO, formula=json.dumps({"$add": ["$derived.band", 1]}))
        assert all("circle" in each for each in await refused(book, fine, circle, BAND))
        secret = other(DEBT, sensitivity=Sensitivity.CONFIDENTIAL)
        (words,) = await refused(book, fine, secret, RATIO)
        assert "Set sensitivity to CONFIDENTIAL" in words
        inputs = (ModelInput(name="x", path="profile.zDebt"),)
        use = ModelUse(name="m", version="1", output="y", gives=Gives.NUMBER, inputs=inputs)
        scored = attribute("derived.scored", Kind.NUMBER, model=use, sensitivity=Sensitivity.INTERNAL)
        (words,) = await refused(book, fine, scored, DEBT)
        assert "is not registered here" in words

    async def test_a_draft_is_published_with_what_it_reads(self, book: Repositories) -> None:
        await bring(book, DEBT, other(RATIO, status="DRAFT"))
        (words,) = await refused(book, RATIO, other(DEBT, sensitivity=Sensitivity.CONFIDENTIAL))
        assert "Set sensitivity to CONFIDENTIAL" in words
        assert (await bring(book, RATIO, DEBT)).done == ["derived.ratio has another status"]

    async def test_an_input_does_not_go_while_something_reads_it(self, book: Repositories) -> None:
        await bring(book, DEBT, RATIO)
        (words,) = await refused(book, other(DEBT, status="RETIRED"), viewer=STEWARD)
        assert "is read by the formula of derived.ratio" in words


class TestSecondPerson:
    async def test_what_waits_is_waited_for_by_what_hangs_on_it(self, book: Repositories) -> None:
        secret = Sensitivity.CONFIDENTIAL
        await bring(book, *(other(each, sensitivity=secret) for each in (DEBT, RATIO, BAND)))
        wanted = (DEBT, RATIO, BAND)
        for path in ("profile.zDebt", "derived.ratio", "derived.band"):
            applied = await bring(book, *wanted)
            assert (applied.done, applied.stopped) == ([], None)
            assert [each.split(" has ")[0] for each in applied.waiting if "approval ap_" in each] == [path]
            (row,) = await book.approvals.collection.find({"status": "REQUESTED"})
            await decide_approval(OTHER, book, row["_id"], Decision(True), UNGUARDED, PERFORMERS)
        assert (await bring(book, *wanted)).waiting == []

    async def test_what_reads_goes_before_what_is_read(self, book: Repositories) -> None:
        await bring(book, DEBT, RATIO)
        applied = await bring(book, other(DEBT, status="RETIRED"), other(RATIO, status="RETIRED"))
        first, second = applied.waiting
        assert first.startswith("derived.ratio is retired: approval ap_")
        assert second == "profile.zDebt is retired: after what is computed from it; apply the file again then"
