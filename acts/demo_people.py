"""Persons of the demonstration book: names, and the profile and household of a person who is a client."""

import re
from dataclasses import dataclass
from datetime import date

from acts import demo_words as words
from acts.demo_draw import Draw, Values, clipped, money, rough

_LATIN_WORD = re.compile("[a-z0-9]+")
_OCCUPATIONS = {
    "MANAGEMENT": 0.2,
    "ENTREPRENEUR": 0.14,
    "TECHNICIAN": 0.16,
    "ADMINISTRATION": 0.12,
    "SERVICES": 0.1,
    "BLUE_COLLAR": 0.09,
    "SELF_EMPLOYED": 0.09,
    "HOUSEHOLD": 0.03,
    "STUDENT": 0.03,
    "UNEMPLOYED": 0.04,
}
_INCOMES = {"MANAGEMENT": 420e3, "ENTREPRENEUR": 560e3, "TECHNICIAN": 190e3, "SELF_EMPLOYED": 240e3, "STUDENT": 40e3}
"""Units: CNY a year; others earn 150,000."""
_SOURCES = {
    "ENTREPRENEUR": "BUSINESS",
    "SELF_EMPLOYED": "BUSINESS",
    "RETIRED": "PENSION",
    "STUDENT": "SUPPORT",
    "UNEMPLOYED": "SUPPORT",
    "HOUSEHOLD": "CAPITAL",
}


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name as written and in Latin letters."""

    name: str
    latin: str
    gender: str


@dataclass(frozen=True, slots=True)
class Person:
    """What the facets of one person hang on."""

    name: Name
    is_chinese: bool
    place: words.Place
    age: int
    occupation: str
    income: float
    """Units: CNY a year."""


def person_name(draw: Draw, is_chinese: bool) -> Name:
    """A Chinese or an English name."""
    is_woman = draw.chance(0.5)
    gender = "FEMALE" if is_woman else "MALE"
    if is_chinese:
        last, first = draw.pick(words.SURNAMES), draw.pick(words.GIVEN_FEMALE if is_woman else words.GIVEN_MALE)
        return Name(last[0] + first[0], f"{first[1]} {last[1]}", gender)
    name = f"{draw.pick(words.FIRST_FEMALE if is_woman else words.FIRST_MALE)} {draw.pick(words.LAST)}"
    return Name(name, name, gender)


def slug_from(latin: str) -> str:
    """The first two words in small letters, joined by a hyphen as addresses have them."""
    return "-".join(_LATIN_WORD.findall(latin.lower())[:2])


def telephone(draw: Draw, place: words.Place) -> str:
    """A number that follows the place's form; the exchanges are kept for fiction where a country has such."""
    return f"{place.dialling} {draw.whole(0, 999):04d}"


def draw_person(draw: Draw) -> Person:
    """A person whose income follows from age and occupation."""
    is_chinese = draw.chance(0.6)
    age = int(clipped(draw.gauss(46, 15), 18, 92))
    occupation = "RETIRED" if age > 64 else draw.weighted(_OCCUPATIONS)
    occupation = "STUDENT" if age < 22 else occupation
    seniority = 0.7 + min(age, 55) / 100
    income = rough(draw.near(_INCOMES.get(occupation, 150e3) * seniority, 0.4))
    place = draw.pick(words.CHINESE_PLACES if is_chinese else words.ENGLISH_PLACES)
    return Person(person_name(draw, is_chinese), is_chinese, place, age, occupation, income)


def person_profile(draw: Draw, who: Person) -> Values:
    """The profile facet but for the address, without references to other clients."""
    return {
        "name": who.name.name,
        "englishName": who.name.latin,
        "overview": _overview(who),
        "tags": draw.some(words.TAGS, 1, 2),
        "isKeyClient": who.income > 7e5,
        "language": "ZH" if who.is_chinese else "EN",
        "email": f"{slug_from(who.name.latin)}@post.example",
        "phone": telephone(draw, who.place),
        "taxId": f"{draw.whole(10**11, 10**12 - 1)}",
        "registrationNumber": f"{draw.whole(10**8, 10**9 - 1)}",
        "birthday": _birthday(draw, who.age),
        "age": who.age,
        "gender": who.name.gender,
        "maritalStatus": _marital_status(draw, who.age),
        "education": draw.weighted({"TERTIARY": 0.5, "SECONDARY": 0.36, "PRIMARY": 0.09, "DOCTORATE": 0.05}),
        "occupation": who.occupation,
        "jobTitle": words.JOBS[who.occupation],
        "dependants": draw.whole(0, 3) if 28 < who.age < 65 else 0,
        "housing": draw.weighted({"OWNED": 0.35, "MORTGAGED": 0.33, "RENTED": 0.22, "FAMILY": 0.1}),
        "hobbies": draw.some(words.HOBBIES, 1, 3),
    }


def _birthday(draw: Draw, age: int) -> date:
    """A day that makes the person just that old on the day of reference."""
    latest = int(age * 365.25) + 2
    return draw.day_ago(latest, latest + 360)


def _marital_status(draw: Draw, age: int) -> str:
    if age < 25:
        return "SINGLE"
    if age > 70 and draw.chance(0.3):
        return "WIDOWED"
    return draw.weighted({"MARRIED": 0.68, "SINGLE": 0.2, "DIVORCED": 0.12})


def _overview(who: Person) -> str:
    if who.is_chinese:
        return f"{who.name.name}，{who.age}岁，现居{who.place.chinese}。"
    return f"{who.name.name} is {who.age} years old and lives in {who.place.city}."


def household(draw: Draw, who: Person) -> Values:
    """Income, wealth that grows with age, and debt that shrinks with it."""
    assets = who.income * draw.near(who.age / 9, 0.5)
    debt = assets * clipped(draw.gauss(0.75 - who.age / 100, 0.15), 0, 1.2)
    return {
        "annualIncome": money(who.income),
        "incomeSource": _SOURCES.get(who.occupation, "SALARY"),
        "assets": money(rough(assets)),
        "debt": money(rough(debt)),
    }
