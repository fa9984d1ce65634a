"""Organisations of the demonstration book: profile, finances and trade that fit each other."""

from dataclasses import dataclass

from acts import demo_words as words
from acts.demo_draw import Draw, Values, clipped, money, rough
from acts.demo_people import person_name, slug_from, telephone

_LEGAL_FORMS = {"LIMITED": 0.62, "JOINT_STOCK": 0.2, "PARTNERSHIP": 0.08, "SOLE_TRADER": 0.05, "COOPERATIVE": 0.05}
_OWNERSHIP = {"PRIVATE": 0.42, "FAMILY": 0.2, "STATE": 0.13, "FOREIGN": 0.1, "JOINT_VENTURE": 0.08, "LISTED": 0.07}
_BANDS = ((10, "MICRO"), (100, "SMALL"), (1_000, "MEDIUM"), (10_000, "LARGE"))
_UNITS = (
    ("财务部", "Finance", "FINANCE"),
    ("采购部", "Purchasing", "PURCHASING"),
    ("生产部", "Production", "PRODUCTION"),
    ("销售部", "Sales", "SALES"),
    ("研发中心", "Research", "RESEARCH"),
)


@dataclass(frozen=True, slots=True)
class Organisation:
    """What the facets of one organisation hang on."""

    name: str
    latin: str
    is_chinese: bool
    place: words.Place
    industry: words.Industry
    employees: int
    revenue: float
    ownership: str

    @property
    def domain(self) -> str:
        return f"{slug_from(self.latin)}.example"


def draw_organisation(draw: Draw) -> Organisation:
    """An organisation; its revenue follows from its industry and its number of employees."""
    is_chinese = draw.chance(0.6)
    place = draw.pick(words.CHINESE_PLACES if is_chinese else words.ENGLISH_PLACES)
    industry = draw.pick(words.INDUSTRIES)
    name, latin = _names(draw, is_chinese, place, industry)
    employees = int(clipped(draw.near(140, 1.5), 2, 180_000))
    revenue = rough(employees * draw.near(industry.turnover_per_head, 0.35))
    ownership = draw.weighted(_OWNERSHIP) if employees > 50 else "FAMILY" if draw.chance(0.5) else "PRIVATE"
    return Organisation(name, latin, is_chinese, place, industry, employees, revenue, ownership)


def _names(draw: Draw, is_chinese: bool, place: words.Place, industry: words.Industry) -> tuple[str, str]:
    if is_chinese:
        index = draw.whole(0, len(words.CHINESE_BRANDS) - 1)
        where = words.CHINESE_AREAS[place.region] if draw.chance(0.3) else place.chinese
        name = f"{where}{words.CHINESE_BRANDS[index]}{industry.chinese}{draw.pick(words.CHINESE_FORMS)}"
        return name, f"{words.CHINESE_BRANDS_LATIN[index]} {industry.english} ({place.city}) Co., Ltd."
    first, second = draw.some(words.ENGLISH_BRANDS, 2, 2)
    brand = f"{first} & {second}" if draw.chance(0.5) else first
    name = f"{brand} {industry.english} {draw.pick(words.ENGLISH_FORMS)}"
    return name, name


def organisation_profile(draw: Draw, who: Organisation, known: list[str]) -> Values:
    """The profile facet, without references to other clients.

    `known` are the names of the organisations before, in which this one may hold shares.
    """
    year = 2026 - int(clipped(draw.near(16, 0.7), 1, 180))
    band = next((name for limit, name in _BANDS if who.employees < limit), "GIANT")
    profile: Values = {
        "name": who.name,
        "englishName": who.latin,
        "overview": _overview(who, year),
        "tags": draw.some(words.TAGS, 1, 3),
        "isKeyClient": who.revenue > 8e8,
        "language": "ZH" if who.is_chinese else "EN",
        "location": location(draw, who.place),
        "email": f"office@{who.domain}",
        "phone": telephone(draw, who.place),
        "taxId": f"{draw.whole(10**14, 10**15 - 1)}",
        "registrationNumber": f"91{draw.whole(10**15, 10**16 - 1)}",
        "industry": who.industry.name,
        "sector": who.industry.sector,
        "employees": who.employees,
        "sizeBand": band,
        "foundedYear": year,
        "legalForm": "JOINT_STOCK" if who.ownership == "LISTED" else draw.weighted(_LEGAL_FORMS),
        "ownership": who.ownership,
        "website": f"https://www.{who.domain}",
        "registeredCapital": money(rough(draw.near(who.revenue * 0.1, 0.6))),
        "units": _units(draw, who),
        "keyPeople": _key_people(draw, who),
        "holdings": _holdings(draw, who, known),
        "production": _production(draw, who),
    }
    if who.ownership == "LISTED":
        profile |= {"symbol": _symbol(who), "cik": f"{draw.whole(10**5, 10**6)}", "indexedOn": draw.day_ago(200, 6_000)}
    return profile


def location(draw: Draw, place: words.Place) -> Values:
    """An address in the place."""
    street, house = draw.pick(place.streets), draw.whole(1, 480)
    return {
        "country": place.country,
        "province": place.province,
        "city": place.city,
        "address": f"{place.chinese}市{street}{house}号" if place.chinese else f"{house} {street}",
    }


def _overview(who: Organisation, year: int) -> str:
    if who.is_chinese:
        seat, trade_name = who.place.chinese, who.industry.chinese
        return f"{who.name}成立于{year}年，总部位于{seat}，从事{trade_name}业务，员工约{who.employees}人。"
    goods = " and ".join(who.industry.products[:2])
    return (
        f"{who.name} has supplied {goods} from {who.place.city} since {year}; it employs about {who.employees} people."
    )


def _symbol(who: Organisation) -> str:
    letters = [letter for letter in who.latin.upper() if "A" <= letter <= "Z"]
    return "".join((*letters[:2], *letters[-4:-2]))


def _units(draw: Draw, who: Organisation) -> list[Values]:
    if who.employees < 10:
        return []
    rows = draw.some(_UNITS, 1, 4)
    return [
        {
            "name": chinese if who.is_chinese else english,
            "function": function,
            "head": person_name(draw, who.is_chinese).name,
            "city": who.place.city,
            "headcount": max(1, who.employees // (len(rows) + draw.whole(1, 4))),
        }
        for chinese, english, function in rows
    ]


def _key_people(draw: Draw, who: Organisation) -> list[Values]:
    people: list[Values] = []
    for chinese, english in draw.some(words.POSITIONS, 1, 2 if who.employees < 50 else 4):
        person = person_name(draw, who.is_chinese)
        people.append(
            {
                "name": person.name,
                "position": chinese if who.is_chinese else english,
                "birthday": draw.day_ago(30 * 365, 64 * 365),
                "phone": telephone(draw, who.place),
                "email": f"{slug_from(person.latin)}@{who.domain}",
                "decisionRole": "INFLUENCES" if people else "DECIDES",
                "isMainContact": not people,
                "preferences": draw.some(words.LIKES, 1, 2),
            }
        )
    return people


def _holdings(draw: Draw, who: Organisation, known: list[str]) -> list[Values]:
    if not known or not draw.chance(0.25):
        return []
    return [
        {
            "name": draw.pick(known),
            "share": draw.within(5, 60),
            "amount": money(rough(draw.near(who.revenue * 0.04, 0.5))),
        }
        for _ in range(draw.whole(1, 3))
    ]


def _production(draw: Draw, who: Organisation) -> Values:
    return {
        "products": list(who.industry.products),
        "siteCount": 1 + who.employees // draw.whole(300, 900),
        "utilisation": round(clipped(draw.gauss(78, 12), 20, 110), 1),
        "certificates": draw.some(words.CERTIFICATES, 1, 3),
        "researchShare": round(clipped(draw.near(3 if who.industry.margin < 0.1 else 8, 0.5), 0, 40), 1),
    }


def financials(draw: Draw, who: Organisation) -> Values:
    """Accounts in which the parts add up: currents within totals, profit by the industry's margin."""
    revenue = who.revenue
    profit = revenue * (who.industry.margin + draw.gauss(0, 0.05))
    assets = revenue / who.industry.asset_turnover * draw.near(1, 0.25)
    debt = assets * clipped(draw.gauss(0.55, 0.18), 0.05, 1.25)
    current, due = assets * draw.within(0.3, 0.65), debt * draw.within(0.45, 0.85)
    stock, owed = current * draw.within(0.1, 0.35), min(current * 0.5, revenue * draw.within(0.04, 0.3))
    interest = debt * draw.within(0.015, 0.035, 4)
    operating = profit * 1.3 + interest
    accounts: Values = {
        "year": 2025,
        "currency": "CNY",
        "reportedOn": draw.day_ago(150, 260),
        "isAudited": who.employees > 80 or draw.chance(0.3),
        "auditor": draw.pick(words.AUDITORS),
        "revenue": revenue,
        "operatingProfit": rough(operating),
        "ebitda": rough(operating + assets * 0.04),
        "netProfit": rough(profit),
        "interestExpense": rough(interest),
        "totalAssets": rough(assets),
        "currentAssets": rough(current),
        "inventory": rough(stock),
        "receivables": rough(owed),
        "cash": rough(max(0.0, current - stock - owed) * 0.7),
        "totalLiabilities": rough(debt),
        "currentLiabilities": rough(due),
        "operatingCashFlow": rough(profit * 1.1 + assets * draw.gauss(0.02, 0.02)),
    }
    return accounts | (_shares(draw, who, profit, assets - debt) if who.ownership == "LISTED" else {})


def _shares(draw: Draw, who: Organisation, profit: float, equity: float) -> Values:
    worth = max(profit, who.revenue * 0.02) * draw.near(17, 0.4)
    price = draw.within(3, 120)
    earned = profit * price / worth
    quotes: Values = {
        "marketCap": rough(worth),
        "sharePrice": price,
        "yearLow": round(price * draw.within(0.6, 0.95), 2),
        "yearHigh": round(price * draw.within(1.05, 1.7), 2),
        "earningsPerShare": round(earned, 3),
        "priceSales": round(worth / who.revenue, 3),
        "filingsUrl": f"https://filings.example/{_symbol(who)}",
    }
    if profit > 0:
        quotes |= {"priceEarnings": round(price / earned, 2), "dividendYield": draw.within(0, 0.06, 4)}
    if equity > 0:
        quotes["priceBook"] = round(worth / equity, 3)
    return quotes


def trade(draw: Draw, who: Organisation, known: list[str]) -> Values:
    """How the organisation buys and sells."""
    partners = known[-200:] or ["现金客户"]
    return {
        "purchasing": {
            "channel": draw.pick(("DIRECT", "DISTRIBUTOR", "TENDER", "PLATFORM", "GROUP")),
            "frequency": draw.pick(("DAILY", "WEEKLY", "MONTHLY", "MONTHLY", "QUARTERLY", "YEARLY")),
            "products": list(who.industry.supplies),
            "suppliers": draw.some(partners, 1, 3),
            "annualSpend": rough(who.revenue * draw.within(0.35, 0.7)),
            "paymentDays": draw.pick((14, 30, 30, 45, 60, 90)),
            "decisionDays": draw.whole(5, 30 + min(who.employees, 1_500) // 10),
        },
        "sales": {
            "markets": draw.some(words.MARKETS, 1, 4),
            "customers": draw.some(partners, 1, 3),
            "channels": draw.some(("DIRECT", "SHOP", "DISTRIBUTOR", "ONLINE", "TENDER"), 1, 3),
            "exportShare": round(clipped(draw.gauss(22, 25), 0, 95), 1),
            "collectionDays": draw.pick((7, 30, 45, 60, 60, 90, 120)),
        },
    }
