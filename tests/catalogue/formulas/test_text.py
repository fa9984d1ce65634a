"""A formula as it is given: an expression, a path, or a text of JSON; anything else is called what it is."""

import pytest

from catalogue.formulas.text import formula_text, normal_text


class TestFormulaText:
    @pytest.mark.parametrize(
        ("formula", "text"),
        [
            ({"$divide": ["$a.b", 12]}, '{"$divide":["$a.b",12]}'),
            ('{"$divide": ["$a.b", 12]}', '{"$divide":["$a.b",12]}'),
            ("$profile.employees", '"$profile.employees"'),
            (" 5 ", "5"),
            (5, "5"),
            ('"LOW"', '"LOW"'),
            ({"$literal": "LOW"}, '{"$literal":"LOW"}'),
        ],
    )
    def test_one_form(self, formula: object, text: str) -> None:
        assert formula_text(formula) == (text, [])
        assert normal_text(text) == (text, [])

    @pytest.mark.parametrize(
        "formula", ["a / 12", "LOW", "", "revenue * 2", "{", "[1,", "=A1+B1", "'x'", "$a / 12x "[1:]]
    )
    def test_a_text_that_is_no_json_is_no_constant(self, formula: str) -> None:
        text, (problem,) = formula_text(formula)
        assert text == ""
        assert "which is no JSON" in problem.message
        assert problem.path == ("formula",)
