"""What resolvers declare that they read."""

import pytest
from graphql import GraphQLObjectType, GraphQLSchema

from repositories.clients import BOOK_INDEXES, NUMBER_INDEX, WORDS_INDEX
from repositories.compile.groups import Operation
from repositories.interactions import INDEXES
from schema.planning.answer import Unsupported
from schema.planning.operation import resolver_of
from schema.planning.reads import READS, Read, Reading, by_id, items_only, page_reading, page_size, total_of

READ_NOTHING = {
    *("Job.askedBy", "Job.error", "Job.progress"),
    *("File.address", "File.addressExpiresAt"),
    "Query.attribute",
    "Client.viewerCanChange",
    "Query.policy",
    "Query.viewer",
    "EntryWindow.paths",
    "EntryWindow.attributes",
    *(f"ClientGroup.{figure}" for figure in Operation),
    *(f"Segment.{each}" for each in ("definedAt", "problems", "migrated")),
    *(f"Approval.{each}" for each in ("status", "outcomeErrors", "viewerCanDecide", "viewerCanWithdraw")),
}
"""Fields with a resolver for which no command is sent."""


class TestDeclared:
    def test_every_resolver_of_a_query_says_what_it_reads(self, builtin_schema: GraphQLSchema) -> None:
        silent = set()
        for type_ in builtin_schema.type_map.values():
            if isinstance(type_, GraphQLObjectType) and type_ is not builtin_schema.mutation_type:
                for name, definition in type_.fields.items():
                    try:
                        resolver = resolver_of(definition)
                    except Unsupported:
                        continue
                    if getattr(resolver, READS) is None:
                        silent.add(f"{type_.name}.{name}")
        assert silent == READ_NOTHING

    def test_the_indexes_that_are_named_are_made(self) -> None:
        assert {NUMBER_INDEX, WORDS_INDEX} <= BOOK_INDEXES.keys()
        assert INDEXES.keys() == {"clientId"}


class TestPageSize:
    @pytest.mark.parametrize(
        ("arguments", "size"),
        [({"first": 20}, 20), ({"last": 3}, 3), ({"first": None, "last": 3}, 3), ({}, 0), ({"first": -5}, 0)],
    )
    def test_first_or_last(self, arguments: dict[str, int | None], size: int) -> None:
        assert page_size(arguments) == size


class TestPageReading:
    PAGE = Read("clients", index="_id_")

    @pytest.mark.parametrize("name", ["nodes", "edges", "pageInfo"])
    def test_anything_of_the_page_reads_it(self, name: str) -> None:
        found = page_reading({"first": 5}, frozenset((name,)), self.PAGE, total_of("clients"))
        assert found == Reading(5, (Read("clients", 5, "_id_"),))

    def test_the_total_alone_reads_no_page(self) -> None:
        found = page_reading({"first": 5}, frozenset(("totalCount",)), self.PAGE, total_of("clients"))
        assert found == Reading(5, (Read("clients", 0, None, is_scan=True, part="totalCount"),))

    def test_nothing_selected(self) -> None:
        assert page_reading({"first": 5}, frozenset(("__typename",)), self.PAGE) == Reading(5, ())


class TestById:
    def test_one_and_a_list(self) -> None:
        assert by_id("managers")({}, frozenset()) == Reading(1, (Read("managers", 1, "_id_"),))
        assert by_id("clients", 10)({}, frozenset()) == Reading(10, (Read("clients", 10, "_id_"),))


class TestItemsOnly:
    def test_a_page_of_what_is_in_memory(self) -> None:
        assert items_only({"first": 7}, frozenset(("nodes",))) == Reading(7, ())
