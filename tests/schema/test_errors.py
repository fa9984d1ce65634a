"""Problems as data."""

from catalogue.errors import ErrorCode, KehuError, Problem, Refused
from schema.errors import error_value, payload


class TestErrorValue:
    def test_everything_that_is_known(self) -> None:
        problem = Problem(ErrorCode.INVALID_VALUE, "No.", ("a", "b"), "1", "2").in_row(3)
        assert error_value(problem) == {
            "code": ErrorCode.INVALID_VALUE,
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

        assert await payload("client", act) == {"client": {"_id": "cl_1"}, "errors": []}

    async def test_every_problem_and_no_object(self) -> None:
        async def act() -> dict[str, object]:
            raise Refused([Problem(ErrorCode.INVALID_VALUE, "One."), Problem(ErrorCode.NAME_TAKEN, "Two.")])

        answer = await payload("client", act)
        assert answer["client"] is None
        assert [each["message"] for each in answer["errors"]] == ["One.", "Two."]

    async def test_an_error_of_one_problem(self) -> None:
        async def act() -> dict[str, object]:
            raise KehuError("Gone.", code=ErrorCode.NOT_FOUND, path=("id",))

        (error,) = (await payload("client", act))["errors"]
        assert (error["code"], error["path"]) == (ErrorCode.NOT_FOUND, ["id"])
