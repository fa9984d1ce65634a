"""Short ways to write the formulas of built-in attributes down: each gives the one text that a definition keeps."""

from catalogue.formulas.text import formula_text

Expression = object
FINANCIALS = "$behaviour.financials"


def formula(expression: Expression) -> str:
    """An expression as a definition keeps it."""
    text, problems = formula_text(expression)
    assert not problems, problems
    return text


def part(name: str) -> str:
    """A figure of the latest yearly accounts."""
    return f"{FINANCIALS}.{name}"


def quotient(upper: Expression, lower: Expression, digits: int = 4) -> Expression:
    """One figure divided by another one, rounded; null unless both are known and the lower one is above 0."""
    return {"$cond": [{"$gt": [lower, 0]}, {"$round": [{"$divide": [upper, lower]}, digits]}, None]}


def ratio(upper: str, lower: str) -> str:
    """The formula of one figure of the accounts divided by another one."""
    return formula(quotient(part(upper), part(lower)))


def first_of(*branches: tuple[Expression, str]) -> str:
    """The formula of the first code whose condition holds; null where none does."""
    cases = [{"case": condition, "then": code} for condition, code in branches]
    return formula({"$switch": {"branches": cases, "default": None}})
