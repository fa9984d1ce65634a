"""The demonstration book: managers and clients that are invented, alike on every machine, and hang together."""

from collections.abc import Iterator
from typing import TypedDict

from acts import demo_words as words
from acts.demo_derived import derived
from acts.demo_draw import Draw, Values
from acts.demo_organisation import draw_organisation, financials, location, organisation_profile, trade
from acts.demo_people import draw_person, household, person_name, person_profile, slug_from
from acts.demo_privacy import privacy_of
from acts.demo_purchases import purchases
from acts.demo_relationship import (
    Relationship,
    attitude,
    business,
    campaign,
    contacts,
    guarantors,
    money_flows,
    other_banks,
)

SEED = 20261120
_STAGES = {"ACTIVE": 0.7, "PROSPECT": 0.15, "DORMANT": 0.1, "LOST": 0.05}
_GAP = 0.07
"""The share of values that nobody has entered yet."""
_ALWAYS = frozenset(("name", "products"))


class DemoManager(TypedDict):
    """One manager: values by key, as the area `managers` names them."""

    key: str
    values: Values


class DemoClient(TypedDict):
    """One client: the manager by position in the list, values by facet, other clients by number."""

    number: str
    kind: str
    stage: str
    manager: int
    values: dict[str, Values]
    references: dict[str, str | list[str]]


def demo_managers(count: int = 24) -> list[DemoManager]:
    """Managers spread over the teams; the first of each team leads it.

    Order: the first managers of a longer list are those of a shorter one.
    """
    draw = Draw(SEED)
    return [_manager(draw, index) for index in range(count)]


def _manager(draw: Draw, index: int) -> DemoManager:
    team = words.TEAMS[index % len(words.TEAMS)]
    leads = index < len(words.TEAMS)
    person = person_name(draw, team.region.endswith("China"))
    values: Values = {
        "name": person.name,
        "title": "Team lead"
        if leads
        else "Senior relationship manager"
        if draw.chance(0.3)
        else "Relationship manager",
        "email": f"{slug_from(person.latin)}.{index + 1}@kehu-bank.example",
        "phone": f"{team.dialling} {draw.whole(0, 999):04d}",
        "team": team.name,
        "branch": team.branch,
        "region": team.region,
        "roles": ["relationship_manager", "team_lead"] if leads else ["relationship_manager"],
        "hiredOn": draw.day_ago(200, 7_000),
        "isActive": True,
    }
    return {"key": f"M{index + 1:03d}", "values": values}


def demo_clients(count: int, managers: list[DemoManager], *, seed: int = SEED) -> Iterator[DemoClient]:
    """Clients with all four facets; seven of ten are organisations.

    Order: the first clients of a bigger book are those of a smaller one; references point at earlier clients only.
    """
    draw = Draw(seed)
    territories: dict[str, list[int]] = {}
    for index, manager in enumerate(managers):
        territories.setdefault(str(manager["values"]["region"]), []).append(index)
    earlier = _Earlier()
    for index in range(count):
        number = f"K{index + 1:06d}"
        stage = draw.weighted(_STAGES)
        maker = _organisation if draw.chance(0.7) else _person
        row, region = maker(draw, number, stage, earlier)
        row["manager"] = draw.pick(territories.get(region) or range(len(managers)))
        yield row


class _Earlier:
    """The organisations so far, that later clients may belong to, work for or trade with."""

    def __init__(self) -> None:
        self.numbers: list[str] = []
        self.names: list[str] = []


def _organisation(draw: Draw, number: str, stage: str, earlier: _Earlier) -> tuple[DemoClient, str]:
    who = draw_organisation(draw)
    profile = organisation_profile(draw, who, earlier.names)
    accounts = financials(draw, who)
    debt = float(str(accounts["totalLiabilities"]))
    of = Relationship(True, stage, who.revenue, debt, earlier.names)
    behaviour: Values = {"financials": accounts, **trade(draw, who, earlier.names), **_relations(draw, of)}
    references: dict[str, str | list[str]] = {}
    if earlier.numbers and draw.chance(0.14):
        references["profile.parent"] = draw.pick(earlier.numbers)
    if earlier.numbers and draw.chance(0.1):
        references["profile.affiliates"] = draw.some(earlier.numbers, 1, 3)
    earlier.numbers.append(number)
    earlier.names.append(who.name)
    return _row(draw, number, "ORGANISATION", of, profile, behaviour, references), who.place.region


def _person(draw: Draw, number: str, stage: str, earlier: _Earlier) -> tuple[DemoClient, str]:
    who = draw_person(draw)
    profile = person_profile(draw, who) | {"location": location(draw, who.place)}
    purse = household(draw, who)
    of = Relationship(False, stage, who.income, float(str(purse["debt"])), earlier.names)
    behaviour: Values = {"household": purse, **_relations(draw, of)}
    references: dict[str, str | list[str]] = {}
    if earlier.numbers and who.occupation not in ("RETIRED", "STUDENT", "UNEMPLOYED", "HOUSEHOLD") and draw.chance(0.4):
        references["profile.employer"] = draw.pick(earlier.numbers)
    return _row(draw, number, "PERSON", of, profile, behaviour, references), who.place.region


def _relations(draw: Draw, of: Relationship) -> Values:
    found = contacts(draw, of)
    if of.is_with_us:
        found |= {"withUs": business(draw, of), "moneyFlows": money_flows(draw, of), "guarantors": guarantors(draw, of)}
    found["otherBanks"] = other_banks(draw, of)
    if draw.chance(0.75):
        found["campaign"] = campaign(draw)
    return found


def _row(
    draw: Draw,
    number: str,
    kind: str,
    of: Relationship,
    profile: Values,
    behaviour: Values,
    references: dict[str, str | list[str]],
) -> DemoClient:
    known = _with_gaps(draw, behaviour)
    mood = _with_gaps(draw, attitude(draw, of, behaviour)) if of.stage != "PROSPECT" or draw.chance(0.5) else {}
    values = {
        "profile": {**_with_gaps(draw, profile), "privacy": privacy_of(int(number[1:]))},
        "behaviour": known,
        "attitude": mood,
        "derived": _with_gaps(draw, derived(draw, kind, of.stage, known, mood), gap=0.0),
    }
    if bought := purchases(int(number[1:]), kind, of.stage):
        known["purchases"] = bought
    return {"number": number, "kind": kind, "stage": of.stage, "manager": 0, "values": values, "references": references}


def _with_gaps(draw: Draw, values: Values, gap: float = _GAP) -> Values:
    """The values without some of them, and without empty groups and lists."""
    kept: Values = {}
    for key, value in values.items():
        if isinstance(value, dict):
            value = _with_gaps(draw, value, gap)
        elif draw.share() < gap and key not in _ALWAYS:
            continue
        if value or not isinstance(value, dict | list):
            kept[key] = value
    return kept
