"""Derived values of the demonstration book, computed from what the other three facets say."""

from collections.abc import Mapping
from math import exp

from acts.demo_draw import REFERENCE, Draw, Values, clipped, rough
from acts.demo_relationship import LOANS

_SEGMENTS = {
    "ORGANISATION": ((2e6, "KEY"), (4e5, "CORE"), (8e4, "GROWTH")),
    "PERSON": ((5e3, "KEY"), (1.5e3, "CORE"), (3e2, "GROWTH")),
}
"""Lower bounds of client value. Units: CNY a year."""
_TIERS = {"KEY": "A", "CORE": "B", "GROWTH": "C", "STANDARD": "D"}
_RATINGS = ((880, "AAA"), (800, "AA"), (700, "A"), (580, "BBB"), (460, "BB"), (330, "B"))
_STAGE_RISK = {"ACTIVE": 0.0, "PROSPECT": 0.3, "DORMANT": 1.4, "LOST": 3.0}
_NEXT = {
    "ORGANISATION": ("CASH_MANAGEMENT", "TRADE_FINANCE", "WORKING_CAPITAL_LOAN", "FOREIGN_EXCHANGE", "PAYROLL"),
    "PERSON": ("CARD", "FUNDS", "WEALTH_MANAGEMENT", "HOUSING_LOAN", "INSURANCE"),
}
_MODEL = "demonstration 1"


def derived(draw: Draw, kind: str, stage: str, behaviour: Values, attitude: Values) -> Values:
    """The derived facet; what lacks an input is left out, as a formula would leave it."""
    accounts, household = _part(behaviour, "financials"), _part(behaviour, "household")
    with_us = _part(behaviour, "withUs")
    found = _ratios(accounts)
    found |= _value(kind, accounts, household, with_us, behaviour)
    found |= _credit(found, household, with_us, bool(accounts) or bool(household))
    found |= _churn(stage, behaviour, attitude, with_us)
    found |= _purchases(draw, kind, attitude, with_us)
    found["forecast"] = _forecast(draw, attitude, with_us, _number(accounts, "revenue") or 0.0)
    return found


def _part(values: Values, key: str) -> Values:
    part = values.get(key)
    return part if isinstance(part, dict) else {}


def _number(values: Mapping[str, object], key: str) -> float | None:
    value = values.get(key)
    return None if value is None else float(str(value))


def _ratios(accounts: Values) -> Values:
    """The ratios whose both sides are known and whose lower side is positive."""
    read = {key: float(value) for key, value in accounts.items() if isinstance(value, float | int)}
    if "totalAssets" in read and "totalLiabilities" in read:
        read["equity"] = read["totalAssets"] - read["totalLiabilities"]
    if "currentAssets" in read and "inventory" in read:
        read["quickAssets"] = read["currentAssets"] - read["inventory"]
    pairs = (
        ("debtRatio", "totalLiabilities", "totalAssets"),
        ("currentRatio", "currentAssets", "currentLiabilities"),
        ("quickRatio", "quickAssets", "currentLiabilities"),
        ("netMargin", "netProfit", "revenue"),
        ("returnOnAssets", "netProfit", "totalAssets"),
        ("returnOnEquity", "netProfit", "equity"),
        ("assetTurnover", "revenue", "totalAssets"),
        ("interestCoverage", "operatingProfit", "interestExpense"),
    )
    found: Values = {
        name: round(read[upper] / read[lower], 4)
        for name, upper, lower in pairs
        if upper in read and read.get(lower, 0) > 0
    }
    if "receivables" in read and read.get("revenue", 0) > 0:
        found["receivableDays"] = round(read["receivables"] / read["revenue"] * 365, 1)
    return found


def _value(kind: str, accounts: Values, household: Values, with_us: Values, behaviour: Values) -> Values:
    """Value from what is earned, what it costs, and a potential that grows with turnover and products."""
    turnover = _number(accounts, "revenue") or _number(household, "annualIncome")
    if turnover is None:
        return {}
    products = with_us.get("products")
    count = len(products) if isinstance(products, list) else 0
    earned = sum(
        (_number(with_us, key) or 0.0) * share
        for key, share in (("feeIncome", 1.0), ("interestIncome", 0.35), ("depositBalance", 0.011))
    )
    cost = 250.0 + 380.0 * (_number(behaviour, "contactCount90d") or 0.0)
    value = round(earned - (cost if kind == "ORGANISATION" else cost / 4) + turnover * 0.0003 * (1 + count), 2)
    segment = next((name for least, name in _SEGMENTS[kind] if value >= least), "STANDARD")
    elsewhere = _elsewhere(behaviour)
    ours = (_number(with_us, "depositBalance") or 0.0) + (_number(with_us, "loanBalance") or 0.0)
    found: Values = {
        "clientValue": value,
        "lifetimeValue": round(value * 6.5, 2),
        "costToServe": round(cost, 2),
        "segment": segment,
        "tier": _TIERS[segment],
        "productCount": count,
    }
    return found | ({"shareOfWallet": round(ours / (ours + elsewhere), 4)} if ours + elsewhere > 0 else {})


def _elsewhere(behaviour: Values) -> float:
    rows = behaviour.get("otherBanks")
    banks = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return sum((_number(row, key) or 0.0) for row in banks for key in ("depositBalance", "loanBalance"))


def _credit(ratios: Values, household: Values, with_us: Values, is_known: bool) -> Values:
    """A score from debt, margin and liquidity, less what is overdue; the rating is its band."""
    debt = _number(ratios, "debtRatio")
    assets, owed = _number(household, "assets"), _number(household, "debt")
    if debt is None and assets and owed is not None:
        debt = owed / assets
    if debt is None or not is_known:
        return {}
    liquidity = clipped(_number(ratios, "currentRatio") or 1.2, 0, 3)
    overdue = _number(with_us, "overdueDays") or 0.0
    income = _number(household, "annualIncome")
    margin = _number(ratios, "netMargin") or 0.0 if income is None else income / 4e6 - 0.1
    points = 870 - 620 * max(0.0, debt - 0.15) + 900 * clipped(margin, -0.2, 0.25) + 55 * (liquidity - 1.2)
    score = round(clipped(points - 3.2 * overdue, 0, 1000))
    level = "CRITICAL" if overdue > 90 else "HIGH" if score < 330 else "WATCH" if score < 500 or overdue else "LOW"
    return {
        "creditScore": score,
        "creditRating": next((name for least, name in _RATINGS if score >= least), "CCC"),
        "defaultProbability": round(1 / (1 + exp((score - 180) / 95)), 4),
        "riskLevel": level,
    }


def _churn(stage: str, behaviour: Values, attitude: Values, with_us: Values) -> Values:
    """The risk falls with satisfaction and contacts, and rises with the distance that the stage shows."""
    satisfaction = _number(attitude, "satisfaction")
    if satisfaction is None or stage == "PROSPECT":
        return {}
    silence = 0.0 if _number(behaviour, "contactCount90d") else 0.5
    overdue = (_number(with_us, "overdueDays") or 0.0) * 0.008
    odds = (58 - satisfaction) / 9 - 1.2 + silence + overdue + _STAGE_RISK[stage]
    return {"churnRisk": round(1 / (1 + exp(-odds)), 4)}


def _purchases(draw: Draw, kind: str, attitude: Values, with_us: Values) -> Values:
    held = with_us.get("products")
    owned = set(held) if isinstance(held, list) else set()
    intent = {"HIGH": 0.45, "MEDIUM": 0.25}.get(str(attitude.get("investmentIntent")), 0.1)
    style = "PRICE" if attitude.get("priceSensitivity") == "HIGH" else None
    found: Values = {
        "purchaseModel": style or draw.pick(("RELATIONSHIP", "RELATIONSHIP", "CONVENIENCE", "SEASONAL", "OCCASIONAL")),
        "purchaseProbability": round(clipped(intent + 0.04 * len(owned - LOANS) + draw.gauss(0, 0.06), 0.01, 0.95), 4),
    }
    free = [product for product in _NEXT[kind] if product not in owned]
    return found | ({"nextBestProduct": draw.pick(free)} if free else {})


def _forecast(draw: Draw, attitude: Values, with_us: Values, revenue: float) -> Values:
    growth = _number(attitude, "expectedGrowth")
    if growth is None:
        return {}
    deposit = _number(with_us, "depositBalance") or 0.0
    return {
        "market": "GROWING" if growth > 5 else "STABLE" if growth > 0 else "SHRINKING",
        "revenueGrowth": round(growth * 0.8, 1),
        "depositBalance": rough(deposit * (1 + growth / 100)),
        "loanDemand": rough(max(0.0, growth) / 100 * revenue * 0.4),
        "confidence": draw.within(0.4, 0.9),
        "model": _MODEL,
        "computedAt": REFERENCE,
    }
