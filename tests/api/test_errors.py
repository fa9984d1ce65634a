"""What a caller hears of an error."""

import pytest
from graphql import GraphQLError

from api.errors import HttpRefusal, formatted_errors, refusal_from
from catalogue.errors import ErrorCode, KehuError


class Driver(Exception):
    """Looks like a driver's error: it has a code and a message of its own."""

    code = 11000
    message = "E11000 duplicate key, host db.internal"


class TestFormattedErrors:
    def test_error_of_a_driver_does_not_pass_by_its_attributes(self) -> None:
        error = GraphQLError("E11000 host db.internal", path=["client"], original_error=Driver())
        formatted = formatted_errors([error])[0]
        assert formatted["extensions"]["code"] == "INTERNAL"
        assert "E11000" not in str(formatted)

    def test_declared_code_passes_and_other_extensions_do_not(self) -> None:
        error = GraphQLError("This question reads 9000 documents.", extensions={"code": "TOO_EXPENSIVE", "host": "db"})
        assert formatted_errors([error])[0] == {
            "message": "This question reads 9000 documents.",
            "extensions": {"code": "TOO_EXPENSIVE", "page": "/docs/errors/TOO_EXPENSIVE"},
        }


class TestRefusalFrom:
    @pytest.mark.parametrize(
        ("problem", "status", "code"),
        [
            (HttpRefusal(418, "TEA", "no"), 418, "TEA"),
            (KehuError("The database is away.", code=ErrorCode.UNAVAILABLE), 503, "UNAVAILABLE"),
            (KehuError("No.", code=ErrorCode.NOT_ALLOWED), 400, "NOT_ALLOWED"),
            (Driver(), 500, "INTERNAL"),
        ],
    )
    def test_status(self, problem: Exception, status: int, code: str) -> None:
        refusal = refusal_from(problem)
        assert (refusal.status, refusal.code) == (status, code)
        assert "E11000" not in str(refusal.answer())
