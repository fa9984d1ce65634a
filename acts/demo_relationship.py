"""Relations between bank and client in the demonstration book: contacts, business, money flows and attitude."""

from dataclasses import dataclass
from datetime import timedelta

from acts import demo_words as words
from acts.demo_draw import REFERENCE, Draw, Values, clipped, money, rough

_COMPANY_PRODUCTS = (
    "WORKING_CAPITAL_LOAN",
    "INVESTMENT_LOAN",
    "TRADE_FINANCE",
    "LEASING",
    "FACTORING",
    "CASH_MANAGEMENT",
    "PAYROLL",
    "FOREIGN_EXCHANGE",
    "TIME_DEPOSIT",
    "INSURANCE",
)
_PERSON_PRODUCTS = ("TIME_DEPOSIT", "HOUSING_LOAN", "PERSONAL_LOAN", "CARD", "FUNDS", "WEALTH_MANAGEMENT", "INSURANCE")
LOANS = frozenset(("WORKING_CAPITAL_LOAN", "INVESTMENT_LOAN", "HOUSING_LOAN", "PERSONAL_LOAN", "LEASING"))
_CHANNELS = ("VISIT", "VISIT", "BRANCH", "TELEPHONE", "MOBILE", "VIDEO", "EMAIL", "MESSAGE")
_CONTACTS = {"ACTIVE": (1, 14), "PROSPECT": (0, 6), "DORMANT": (0, 1), "LOST": (0, 0)}
_SILENCE_DAYS = {"ACTIVE": (0, 40), "PROSPECT": (2, 120), "DORMANT": (95, 500), "LOST": (200, 1_500)}
_MOOD = {"ACTIVE": 74.0, "PROSPECT": 64.0, "DORMANT": 57.0, "LOST": 38.0}
_OUTLOOKS = ((-4.0, "VERY_NEGATIVE"), (0.0, "NEGATIVE"), (4.0, "NEUTRAL"), (9.0, "POSITIVE"))


@dataclass(frozen=True, slots=True)
class Relationship:
    """What the bank's side of one client hangs on."""

    is_organisation: bool
    stage: str
    turnover: float
    """Revenue or income. Units: CNY a year."""
    debt: float
    partners: list[str]

    @property
    def is_with_us(self) -> bool:
        return self.stage in ("ACTIVE", "DORMANT")


def contacts(draw: Draw, of: Relationship) -> Values:
    """Contacts and visits; how many and how long ago follows from the stage."""
    count = draw.whole(*_CONTACTS[of.stage])
    silence = draw.whole(0, 60) if count else draw.whole(max(91, _SILENCE_DAYS[of.stage][0]), 1_500)
    last = REFERENCE - timedelta(days=silence, minutes=draw.whole(0, 540))
    found: Values = {
        "lastContactAt": last,
        "lastContactChannel": draw.pick(_CHANNELS),
        "contactCount90d": count,
        "visitCount365d": count * draw.whole(1, 3) // 2,
        "complaintCount365d": draw.weighted({0: 0.8, 1: 0.13, 2: 0.05, 3: 0.02}),
        "lastVisitOn": last.date() - timedelta(days=draw.whole(0, 60)),
        "lastVisitSummary": draw.pick(words.VISITS),
    }
    if of.stage != "LOST":
        found["nextVisitOn"] = (REFERENCE + timedelta(days=draw.whole(1, 180))).date()
    if of.stage != "PROSPECT":
        found["becameClientOn"] = draw.day_ago(400, 7_000) if of.stage == "ACTIVE" else draw.day_ago(1_600, 7_000)
    return found


def business(draw: Draw, of: Relationship) -> Values:
    """Products and balances with us; loans are a part of the client's debt."""
    offered = _COMPANY_PRODUCTS if of.is_organisation else _PERSON_PRODUCTS
    most = 6 if of.stage == "ACTIVE" else 2
    products = ["CURRENT_ACCOUNT", *draw.some(offered, 0, most)]
    owes = not LOANS.isdisjoint(products)
    loan = of.debt * draw.within(0.1, 0.6) if owes else 0.0
    deposit = draw.near(of.turnover * (0.05 if of.stage == "ACTIVE" else 0.008), 0.7)
    fees = of.turnover * 0.0004 * len(products) * draw.near(1, 0.3)
    overdue = draw.whole(1, 140) if owes and draw.chance(0.07) else 0
    business: Values = {
        "products": products,
        "account": f"6228{draw.whole(10**14, 10**15 - 1)}",
        "accountOpenedOn": draw.day_ago(400, 7_000),
        "depositBalance": money(rough(deposit)),
        "averageBalance": money(rough(draw.near(deposit, 0.2))),
        "loanBalance": money(rough(loan)),
        "creditLimit": money(rough(loan * draw.within(1.0, 1.8))),
        "investmentBalance": money(rough(draw.near(of.turnover * 0.03, 0.8) if "FUNDS" in products else 0.0)),
        "feeIncome": money(fees),
        "interestIncome": money(loan * draw.within(0.03, 0.055, 4)),
        "overdueDays": overdue,
        "hasDefaulted": overdue > 90,
        "hasHousingLoan": "HOUSING_LOAN" in products,
        "hasPersonalLoan": "PERSONAL_LOAN" in products,
        "hasMobileBanking": draw.chance(0.7),
    }
    return business


def money_flows(draw: Draw, of: Relationship) -> Values:
    """Money in and out in 90 days, around a quarter of the yearly turnover that runs through us."""
    inflow = of.turnover / 4 * draw.within(0.1, 0.9)
    largest = inflow * draw.within(0.05, 0.4)
    return {
        "inflow90d": money(rough(inflow)),
        "outflow90d": money(rough(inflow * draw.within(0.7, 1.2))),
        "largestTransfer": money(rough(largest)),
        "largestTransferAt": draw.moment_ago(0, 89),
        "crossBorderShare": round(clipped(draw.gauss(8 if of.is_organisation else 1, 9), 0, 90), 1),
        "counterparties": draw.some(of.partners[-200:] or words.OTHER_BANKS, 1, 3),
    }


def other_banks(draw: Draw, of: Relationship) -> list[Values]:
    """Business with other banks: most for those who have little with us."""
    rows = draw.some(words.OTHER_BANKS, 0 if of.is_with_us else 1, 2)
    offered = _COMPANY_PRODUCTS if of.is_organisation else _PERSON_PRODUCTS
    return [
        {
            "bank": bank,
            "products": ["CURRENT_ACCOUNT", *draw.some(offered, 1, 2)],
            "depositBalance": money(rough(draw.near(of.turnover * 0.04, 0.6))),
            "loanBalance": money(rough(of.debt * draw.within(0.05, 0.3))),
            "loanRate": draw.within(2.8, 6.5),
            "maturesOn": (REFERENCE + timedelta(days=draw.whole(30, 1_800))).date(),
        }
        for bank in rows
    ]


def guarantors(draw: Draw, of: Relationship) -> list[Values]:
    """Who stands surety; few clients need it."""
    if not of.partners or of.debt <= 0 or not draw.chance(0.2):
        return []
    expires = (REFERENCE + timedelta(days=draw.whole(60, 1_500))).date()
    return [{"name": draw.pick(of.partners), "amount": money(rough(of.debt * 0.3)), "expiresOn": expires}]


def campaign(draw: Draw) -> Values:
    """The last campaign; those who took part before take the product more often."""
    earlier = draw.whole(0, 4)
    answer = draw.weighted({"SUCCESS": 0.25, "FAILURE": 0.6, "OTHER": 0.15}) if earlier else None
    found: Values = {
        "channel": draw.pick(("MOBILE", "TELEPHONE", "EMAIL", "MESSAGE")),
        "contactDay": draw.whole(1, 28),
        "contactMonth": draw.pick(("MAR", "APR", "MAY", "SEP", "OCT")),
        "durationSeconds": int(draw.near(220, 0.7)),
        "contactCount": draw.whole(1, 5),
        "previousContactCount": earlier,
        "hasSubscribed": draw.chance(0.45 if answer == "SUCCESS" else 0.12),
    }
    return found | ({"daysSincePrevious": draw.whole(60, 400), "previousOutcome": answer} if answer else {})


def attitude(draw: Draw, of: Relationship, behaviour: Values) -> Values:
    """Satisfaction follows from stage, contacts and complaints; the outlook from the expected growth."""
    attention = min(int(str(behaviour.get("contactCount90d", 0))), 8)
    complaints = int(str(behaviour.get("complaintCount365d", 0)))
    satisfaction = round(clipped(draw.gauss(_MOOD[of.stage] + attention - 9 * complaints, 9), 0, 100))
    growth = round(draw.gauss(4, 6), 1)
    found: Values = {
        "satisfaction": satisfaction,
        "satisfactionReason": draw.pick(_phrases_for(satisfaction)),
        "nps": round(clipped((satisfaction - 60) * 2.4 + draw.gauss(0, 12), -100, 100)),
        "trust": round(clipped(draw.gauss(satisfaction, 8), 0, 100)),
        "surveyedOn": draw.day_ago(3, 420),
        "wouldRefer": satisfaction > 72,
        "opinionOfUs": draw.pick(_phrases_for(satisfaction)),
        "opinionOfOthers": draw.pick(_phrases_for(120 - satisfaction)),
        "productPreferences": _preferences(draw, of),
        "preferredChannel": draw.pick(_CHANNELS),
        "priceSensitivity": draw.weighted({"LOW": 0.25, "MEDIUM": 0.45, "HIGH": 0.3}),
        "riskAppetite": draw.weighted({"LOW": 0.4, "MEDIUM": 0.42, "HIGH": 0.18}),
        "decisionStyle": draw.pick(("ANALYTICAL", "CAUTIOUS", "RELATIONAL", "QUICK")),
        "concerns": draw.some(words.CONCERNS, 1, 3),
        "unmetNeeds": draw.some(words.NEEDS, 1, 2),
        "hasMarketingConsent": draw.chance(0.7),
        "marketOutlook": _outlook_for(growth),
        "outlookReason": draw.pick(words.REASONS),
        "expectedGrowth": growth,
        "investmentIntent": "HIGH" if growth > 8 else "MEDIUM" if growth > 1 else "LOW",
    }
    if of.is_organisation:
        found["industryOutlook"] = _outlook_for(growth + draw.gauss(0, 4))
    return found


def _phrases_for(satisfaction: int) -> tuple[str, ...]:
    return words.GLAD if satisfaction >= 70 else words.NEUTRAL if satisfaction >= 50 else words.SORRY


def _outlook_for(growth: float) -> str:
    return next((name for limit, name in _OUTLOOKS if growth < limit), "VERY_POSITIVE")


def _preferences(draw: Draw, of: Relationship) -> list[Values]:
    offered = _COMPANY_PRODUCTS if of.is_organisation else _PERSON_PRODUCTS
    return [
        {"product": product, "feature": draw.pick(words.FEATURES), "importance": draw.whole(1, 5)}
        for product in draw.some(offered, 1, 3)
    ]
