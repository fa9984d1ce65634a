"""Problems as data."""

from dataclasses import dataclass, field
from typing import Any, cast

from catalogue.errors import ErrorCode, KehuError, Problem, Refused
from policy.viewer import Viewer
from schema.context import MISSED_LOOKUPS, Context
from schema.errors import error_value, payload


@dataclass
class Counting:
    """Counts, and lets everybody go on."""

    spent: list[tuple[str, int]] = field(default_factory=list)

    async def check(self, what: str) -> None:
        """All may go on."""

    async def spend(self, what: str, count: int = 1) -> None:
        self.spent.append((what, count))


SPENDING = Counting()
CONTEXT = Context(Viewer("M001", frozenset()), cast(Any, None), spending=SPENDING)


class TestErrorValue:
    def test_everything_that_is_known(self) -> None:
        problem = Problem(ErrorCode.INVALID_VALUE, "No.", ("a", "b"), "1", "2").in_row(3)
        assert error_value(problem) == {
            "code": ErrorCode.INVALID_VALUE,
            "page": "/docs/errors/INVALID_VALUE",
            "message": "No.",
            "path": ["a", "b"],
            "given": "1",
            "expected": "2",
            "row": 3,
        }

    def test_no_path_is_null(self) -> None:
        assert error_value(Problem(ErrorCode.NOT_FOUND, "No."))["path"] is None


class TestPayload:
    async def test_what_the_act_came_to(self) -> None:
        async def act() -> dict[str, object]:
            return {"client": {"_id": "cl_1"}}

        assert await payload(CONTEXT, "client", act) == {"client": {"_id": "cl_1"}, "errors": []}

    async def test_every_problem_and_no_object(self) -> None:
        async def act() -> dict[str, object]:
            raise Refused([Problem(ErrorCode.INVALID_VALUE, "One."), Problem(ErrorCode.NAME_TAKEN, "Two.")])

        answer = await payload(CONTEXT, "client", act)
        assert answer["client"] is None
        assert [each["message"] for each in answer["errors"]] == ["One.", "Two."]

    async def test_an_error_of_one_problem(self) -> None:
        async def act() -> dict[str, object]:
            raise KehuError("Gone.", code=ErrorCode.NOT_FOUND, path=("id",))

        SPENDING.spent.clear()
        (error,) = (await payload(CONTEXT, "client", act))["errors"]
        assert SPENDING.spent == [(MISSED_LOOKUPS, 1)]
        assert (error["code"], error["path"]) == (ErrorCode.NOT_FOUND, ["id"])
