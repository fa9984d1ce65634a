"""One fragment in two places, with more selected beside it in one of them, through the ordinary execution."""

from typing import Any

from acts.demo import load_demo
from catalogue.builtin import builtin_catalogue
from policy.viewer import Viewer
from repositories.mongo import MongoSettings, connect
from repositories.repositories import open_repositories
from schema.build import build_schema
from schema.context import Context
from tests.books import master_key

QUERY = """
query {
  few: clients(where: { profile: { parent: { isNull: false } } }, first: 1) { nodes { ...Shared } }
  more: clients(where: { profile: { parent: { isNull: false } } }, first: 1) {
    nodes { ...Shared manager { branch } profile { parent { kind } } }
  }
}
fragment Shared on Client { number manager { name } profile { parent { number } } }
"""


class TestFragments:
    async def test_each_place_reads_what_it_needs(self) -> None:
        store = connect(MongoSettings(driver="memory", database="fragments"))
        try:
            repositories = await open_repositories(store, builtin_catalogue(), kms=master_key)
            await load_demo(repositories, 20, lambda _done, _count: None)
            context = Context(Viewer("M001", frozenset({"auditor"})), repositories)
            answer: Any = await build_schema(builtin_catalogue()).execute(QUERY, context_value=context)
        finally:
            await store.close()
        assert answer.errors is None
        (few,), (more,) = answer.data["few"]["nodes"], answer.data["more"]["nodes"]
        assert more["manager"].pop("branch") is not None
        assert more["profile"]["parent"].pop("kind") == "ORGANISATION"
        assert more == few
