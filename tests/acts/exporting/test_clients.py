"""Exports under the policy: what leaves, what is refused by name, and what is noted."""

import csv
from typing import Any

import pytest

from acts.exporting.clients import ExportOrder, exported_pages, prepared_export
from acts.exporting.columns import RestrictedAsked
from acts.exporting.errors import ExportRefused
from catalogue.attribute import CLIENTS
from catalogue.builtin import builtin_catalogue
from catalogue.errors import KehuError, Refused
from policy.attributes import TEXT_KINDS
from policy.rules import BUILT_IN, Policy, Right
from policy.viewer import ROLES, Viewer, program
from repositories.access import NotAllowed, Touched
from repositories.files import FileOptions
from repositories.plan import ReadPlan
from repositories.repositories import Repositories

CATALOGUE = builtin_catalogue()
ROLES_WITH_FILES = [each.role for each in BUILT_IN.rules if Right.EXPORT_CLIENTS in each.rights]


async def text_of(
    repositories: Repositories, viewer: Viewer, order: ExportOrder, touched: Touched | None = None
) -> str:
    """The whole file, or the refusal."""
    try:
        export = await prepared_export(viewer, repositories, order)
        pages = [page.data async for page in exported_pages(export, touched=touched)]
    except KehuError as refused:
        return "; ".join(each.message for each in refused.problems())
    return (export.head + b"".join(pages)).decode()


def somebody(role: str, clients: list[dict[str, Any]], purpose: str | None = None) -> Viewer:
    some = next(each for each in clients if each.get("managerId"))
    return Viewer("p", frozenset((role,)), some.get("team"), str(some["managerId"]), purpose=purpose)


class TestPolicy:
    async def test_each_role_takes_out_its_own_clients_and_levels(self, demo: Repositories) -> None:
        clients = await demo.clients.collection.find({})
        for role in ROLES:
            viewer = somebody(role, clients)
            text = await text_of(demo, viewer, ExportOrder("csv"))
            if role not in ROLES_WITH_FILES:
                assert "EXPORT_CLIENTS" in text
                continue
            rows = await demo.clients.count(demo.access.authorise(ReadPlan(CLIENTS, frozenset(("number",))), viewer))
            header, *lines = csv.reader(text.splitlines(keepends=True))
            assert len(lines) == rows > 0
            assert set(header).isdisjoint(demo.access.view(viewer).area(CLIENTS).hidden)
            assert set(header).isdisjoint(demo.access.restricted(CLIENTS))

    async def test_what_may_not_be_read_is_refused_by_name_as_what_is_not_there(self, demo: Repositories) -> None:
        viewer = somebody("risk_officer", await demo.clients.collection.find({}))
        (hidden, *_) = sorted(demo.access.view(viewer).area(CLIENTS).hidden & demo.access.restricted(CLIENTS))
        for path in (hidden, "profile.nothing"):
            with pytest.raises(Refused) as refused:
                await prepared_export(viewer, demo, ExportOrder(attributes=(path, "profile.name")))
            (problem,) = refused.value.problems()
            assert problem.message == f'There is no attribute "{path}". Query `attributes` for the paths that exist.'

    async def test_restricted_values_stay_though_the_purpose_opens_them(self, demo: Repositories) -> None:
        viewer = somebody("risk_officer", await demo.clients.collection.find({}), "CREDIT_REVIEW")
        secret = sorted(demo.access.restricted(CLIENTS) - demo.access.view(viewer).area(CLIENTS).hidden)
        leaves = [each for each in secret if CATALOGUE.list_group_of(CATALOGUE.get_live(each)) is None]
        with pytest.raises(RestrictedAsked, match="an approval alone"):
            await prepared_export(viewer, demo, ExportOrder(attributes=(leaves[0],)))
        whole = await prepared_export(viewer, demo, ExportOrder())
        assert not {path for each in whole.columns for path in each.reads} & set(secret)
        where = {"profile": {leaves[0].removeprefix("profile."): {"isNull": False}}}
        assert "There is no attribute" in await text_of(demo, viewer, ExportOrder(where=where))

    async def test_kehus_own_program_takes_out_no_restricted_value(self, demo: Repositories) -> None:
        export = await prepared_export(program("kehu-export"), demo, ExportOrder())
        assert not {path for each in export.columns for path in each.reads} & demo.access.restricted(CLIENTS)

    async def test_masked_texts_leave_by_their_last_signs(self, demo: Repositories) -> None:
        clients = await demo.clients.collection.find({})
        path = next(
            each.path
            for each in CATALOGUE.area(CLIENTS).values()
            if each.kind in TEXT_KINDS and each.sensitivity == "CONFIDENTIAL" and not each.is_list
        )
        steward = next(each for each in BUILT_IN.rules if each.role == "data_steward")
        rule = steward.model_copy(
            update={"rights": frozenset((Right.EXPORT_CLIENTS,)), "mask": (path,), "sensitivity": "INTERNAL"}
        )
        masked = demo.on(demo.catalogue, Policy(rules=(rule,), purposes=BUILT_IN.purposes))
        await demo.clients.collection.update_many({}, {"$set": {path: "SECRET-WORDS"}})
        text = await text_of(masked, somebody("data_steward", clients), ExportOrder(attributes=(path,)))
        assert "***ORDS" in text
        assert "SECRET" not in text

    async def test_everything_that_leaves_is_noted(self, demo: Repositories) -> None:
        touched = Touched()
        await text_of(demo, program("kehu-export"), ExportOrder(attributes=("profile.name",)), touched)
        assert len(touched.records[CLIENTS]) == 30
        assert "profile.name" in touched.paths[CLIENTS]


class TestOrder:
    async def test_where_search_and_attributes_narrow_it(self, demo: Repositories) -> None:
        some = await demo.clients.collection.find_one({}, {"number": 1, "profile.name": 1})
        assert some is not None
        order = ExportOrder(where={"number": {"eq": some["number"]}}, attributes=("profile.name",))
        text = await text_of(demo, program("kehu-export"), order)
        assert text.splitlines()[0] == "number,id,kind,stage,manager,profile.name"
        assert len(text.splitlines()) == 2
        found = await text_of(demo, program("kehu-export"), ExportOrder(search=some["profile"]["name"]))
        assert some["number"] in found

    async def test_a_group_stands_for_all_in_it(self, demo: Repositories) -> None:
        export = await prepared_export(program("x"), demo, ExportOrder(attributes=("profile.location",)))
        wanted = [each.path for each in CATALOGUE.leaves("profile.location")]
        assert [each.header for each in export.columns[5:]] == wanted

    async def test_more_than_the_limit_is_refused_before_anything_is_read(self, demo: Repositories) -> None:
        demo.files.options = FileOptions(demo.files.options.directory, export_limit_rows=29)
        with pytest.raises(ExportRefused, match="would have 30 clients; it takes up to 29"):
            await prepared_export(program("x"), demo, ExportOrder())

    async def test_what_is_wrong_is_said_with_its_place(self, demo: Repositories) -> None:
        for order, words in (
            (ExportOrder("pdf"), "format takes one of csv, jsonl, parquet, xlsx"),
            (ExportOrder(where={"stage": {"eq": "GONE"}}), "where.stage.eq"),
            (ExportOrder(search=""), "search takes a text"),
            (ExportOrder(attributes=("profile.keyPeople.name",)), "name the list, profile.keyPeople"),
        ):
            assert words in await text_of(demo, program("x"), order)

    async def test_who_may_not_export_learns_nothing_else(self, demo: Repositories) -> None:
        viewer = somebody("data_steward", await demo.clients.collection.find({}))
        with pytest.raises(NotAllowed):
            await prepared_export(viewer, demo, ExportOrder("pdf", attributes=("profile.nothing",)))
