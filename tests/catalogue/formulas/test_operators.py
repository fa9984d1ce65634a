"""The table of operators."""

from catalogue.formulas.operator import Guard, Takes
from catalogue.formulas.operators import OPERATORS
from repositories.compile.guards import GUARDS
from tests.formula_dates import NAMED
from tests.formula_operators import PLAIN
from tests.formulas import Evaluator

NEVER = ("$function", "$where", "$accumulator", "$lookup", "$getField", "$setField", "$unsetField", "$rand", "$expr")


class TestOperators:
    def test_there_are_enough_and_none_that_runs_code(self) -> None:
        assert len(OPERATORS) >= 60
        assert not OPERATORS.keys() & set(NEVER)

    def test_every_group_that_was_promised(self) -> None:
        groups = {each.group for each in OPERATORS.values()}
        assert groups >= {"arithmetic", "comparison", "conditional", "date", "string", "array", "set", "type"}

    def test_every_guard_of_the_table_is_compiled(self) -> None:
        assert {each.guard for each in OPERATORS.values()} <= GUARDS.keys() == set(Guard)

    def test_plain_python_knows_every_operator(self) -> None:
        special = {f"${name[1:]}" for name in dir(Evaluator) if name.startswith("_") and not name.startswith("__")}
        assert OPERATORS.keys() <= {*PLAIN, *NAMED, *special, "$ifNull"}

    def test_what_divides_or_converts_has_a_guard(self) -> None:
        risky = (
            "$divide",
            "$mod",
            "$sqrt",
            "$ln",
            "$log",
            "$log10",
            "$pow",
            "$toDate",
            "$toLong",
            "$toDecimal",
            "$size",
        )
        assert all(OPERATORS[name].guard is not Guard.NONE for name in risky)

    def test_what_is_written_out_says_so(self) -> None:
        assert Takes.UNIT.endswith("written out")
        assert not Takes.NUMBER.endswith("written out")
