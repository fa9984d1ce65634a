"""What may be defined, changed and retired; every problem at once."""

import re
from collections.abc import Iterator
from datetime import date

from catalogue.attribute import CLIENTS, Attribute, Facet, Sensitivity, Status
from catalogue.bounds import BOUNDED_KINDS, bound_value, bound_words, range_words
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem
from catalogue.kinds import LOOKUP_KINDS, Kind

SEGMENT = re.compile(r"[a-z][a-zA-Z0-9]{0,39}")
DEPTH_LIMIT = 5
"""Words in a path after its facet; five levels of groups are more than people can read."""
ATTRIBUTE_LIMIT = 5_000
OPTION_LIMIT = 2_000
PATTERN_LIMIT = 200
RETENTION_LIMIT_DAYS = 36_500

RESERVED_KEYS = frozenset(
    """
    id version and or not any all none some proof tail typename schema facet profile behaviour attitude derived
    """.split()
)
"""Words that filters, documents or GraphQL itself use."""
CORE_KEYS = frozenset(
    """
    managerId clientId sequence storedAt createdAt updatedAt merged moved lookups rolled history manager attribute
    attributes viewerCanChange
    """.split()
)
"""What records have besides their attributes, in documents or in GraphQL: reserved in every facet and area."""
TOP_CORE_KEYS = frozenset("number numbers kind stage person client clients words key".split())
"""Core words that stand for something else inside a group: a passport has a number, a signal its words."""
SORTED_AREAS = frozenset((CLIENTS, "managers"))
"""Areas with an order by attributes."""
RESERVED_GROUP_WORDS = frozenset(("WHERE", "INPUT"))
"""The type of a group ends in one of these for its filter and its input; a group named so would collide."""

_FACETS = tuple(str(each) for each in Facet)
_FIXED = ("kind", "is_list", "area")
_CHARACTERS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""Escapes and sets of characters, whatever stands in them."""
_RISKY_PATTERN = re.compile(r"\\[1-9]|\(\?")


def definition_problems(catalogue: Catalogue, attribute: Attribute) -> list[Problem]:
    """Why an attribute cannot be defined; empty if it can."""
    return [*_name_problems(catalogue, attribute), *_place_problems(catalogue, attribute), *shape_problems(attribute)]


def change_problems(catalogue: Catalogue, before: Attribute, after: Attribute) -> list[Problem]:
    """Why a definition cannot become another one; empty if it can."""
    problems = [
        Problem(
            ErrorCode.KIND_FIXED,
            f"{before.path} keeps its {name.replace('_', ' ')} {getattr(before, name)} for good, because values of it "
            "are stored; define another attribute and deprecate this one.",
            (name,),
            str(getattr(after, name)),
            str(getattr(before, name)),
        )
        for name in _FIXED
        if getattr(before, name) != getattr(after, name)
    ]
    if before.status is Status.RETIRED:
        message = f"{before.path} is retired; a retired attribute is not changed. Define another one."
        problems.append(Problem(ErrorCode.ATTRIBUTE_RETIRED, message, ("path",), before.path, "a live attribute"))
    if after.status is Status.DRAFT and before.status is not Status.DRAFT:
        problems.append(_wrong("status", "DRAFT", "a status that does not go back", "queries may already use it"))
    problems.extend(_lost_options(before, after))
    problems.extend(_broken_promise(before, after))
    return [*problems, *shape_problems(after), *_place_problems(catalogue, after)]


def _broken_promise(before: Attribute, after: Attribute) -> Iterator[Problem]:
    """A day of removal that was promised is not brought forward; it is void only where the attribute stays."""
    promised = before.removal_on
    if promised is None or after.status is Status.PUBLISHED:
        return
    if after.removal_on is None or after.removal_on < promised:
        given = "nothing" if after.removal_on is None else after.removal_on.isoformat()
        yield _wrong(
            "removalOn", given, f"{promised.isoformat()} or a later day", "programs count on what was promised"
        )


def _lost_options(before: Attribute, after: Attribute) -> Iterator[Problem]:
    kept = {option.code for option in after.options}
    for option in before.options:
        if option.code not in kept:
            yield Problem(
                ErrorCode.INVALID_VALUE,
                f'The option "{option.code}" of {before.path} may be stored in documents; '
                "keep it in the list with isRetired: true.",
                ("options",),
                "a list without it",
                f'"{option.code}" with isRetired: true',
            )


def deprecation_problems(catalogue: Catalogue, attribute: Attribute, successor: str | None) -> list[Problem]:
    """Why an attribute cannot be deprecated in favour of another; empty if it can."""
    if attribute.status is not Status.PUBLISHED:
        return [_wrong("path", f"{attribute.path}, which is {attribute.status}", "a PUBLISHED attribute", "")]
    if successor is None:
        return []
    other = catalogue.find(successor, attribute.area)
    if other is None or other.status is not Status.PUBLISHED or other.path == attribute.path:
        return [_wrong("successor", successor, "the path of another PUBLISHED attribute", "")]
    return []


def retirement_problems(catalogue: Catalogue, attribute: Attribute, today: date) -> list[Problem]:
    """Why an attribute cannot be retired on a day; empty if it can."""
    if attribute.status is Status.RETIRED:
        return [_wrong("path", f"{attribute.path}, which is RETIRED already", "a live attribute", "")]
    if attribute.removal_on is not None and today < attribute.removal_on:
        day = attribute.removal_on.isoformat()
        given = f"{attribute.path}, which stays until {day} as was promised when it was deprecated"
        return [_wrong("path", given, "an attribute whose removalOn has come", f"retire it on {day} or later")]
    inside = [each.path for each in catalogue.children(attribute.path, attribute.area)]
    if inside:
        return [_wrong("path", attribute.path, "a group without live attributes", f"retire {', '.join(inside)} first")]
    return []


def _name_problems(catalogue: Catalogue, attribute: Attribute) -> Iterator[Problem]:
    is_of_clients = attribute.area == CLIENTS
    if attribute.area not in catalogue.areas:
        known = ", ".join(sorted(catalogue.areas))
        yield _wrong("area", attribute.area, f"one of {known}", "records of no other area have attributes")
        return
    if is_of_clients and attribute.segments[0] not in _FACETS:
        yield _wrong("path", attribute.path, f"a path that begins with one of {', '.join(_FACETS)}", "")
        return
    keys = attribute.segments[1:] if is_of_clients else attribute.segments
    if not keys or len(keys) > DEPTH_LIMIT or not all(SEGMENT.fullmatch(key) for key in keys):
        expected = f"one to {DEPTH_LIMIT} words, each a small letter and up to 39 letters or digits, joined by dots"
        yield _wrong("key", ".".join(keys), expected, 'such as "esgScore" or "location.postcode"')
        return
    own = {name for each in catalogue.relations if each.area == attribute.area for name in (each.name, each.stored_in)}
    if reserved := [key for key in keys if key in RESERVED_KEYS | CORE_KEYS] or sorted(
        {keys[0]} & (TOP_CORE_KEYS | own)
    ):
        message = f'"{reserved[0]}" is a word that Kehu uses itself; choose another key.'
        yield Problem(ErrorCode.NAME_RESERVED, message, ("key",), reserved[0], "a key that is not reserved")
    words = set(attribute.enum_name.split("_"))
    if attribute.kind is Kind.GROUP and (clash := words & RESERVED_GROUP_WORDS):
        message = f'A group cannot have the word "{clash.pop().lower()}" in its key, because its filter type does.'
        yield Problem(ErrorCode.NAME_RESERVED, message, ("key",), attribute.key, "a key without that word")
    for other in catalogue.area(attribute.area).values():
        if other.enum_name == attribute.enum_name:
            yield _taken(attribute, other)
    if len(catalogue.area(attribute.area)) >= ATTRIBUTE_LIMIT:
        yield _wrong("key", attribute.key, f"no more than {ATTRIBUTE_LIMIT} attributes", "the catalogue is full")


def _taken(attribute: Attribute, other: Attribute) -> Problem:
    if other.path == attribute.path:
        is_retired = other.status is Status.RETIRED
        state = "was retired, and a path is never used again" if is_retired else "is defined already"
        message = f"{attribute.path} {state}. Choose another key{'' if is_retired else ', or use attributeChange'}."
    else:
        message = (
            f"{attribute.path} and {other.path} would both be {other.enum_name} in lists of fields; choose another key."
        )
    return Problem(ErrorCode.NAME_TAKEN, message, ("key",), attribute.path, "a path that is free")


def _place_problems(catalogue: Catalogue, attribute: Attribute) -> Iterator[Problem]:
    outer = catalogue.find(attribute.parent, attribute.area)
    is_top = len(attribute.segments) == (2 if attribute.area == CLIENTS else 1)
    if not is_top and (outer is None or outer.kind is not Kind.GROUP or not outer.is_live):
        expected = f"a key inside a GROUP; {attribute.parent} is not a live group"
        yield _wrong("key", attribute.path, expected, f"define {attribute.parent} with kind GROUP first")
    in_list = catalogue.list_group_of(attribute) is not None
    if attribute.is_sortable and (in_list or attribute.is_list or not attribute.spec.is_orderable):
        expected = "false for lists, for what stands in a list of groups, and for TEXT, CLIENT and GROUP"
        yield _wrong("isSortable", "true", expected, "a client has no single value to sort by")
    if attribute.is_list and attribute.kind is Kind.GROUP and in_list and attribute.area == CLIENTS:
        yield _wrong("isList", "true", "no list of groups inside a list of groups", "use a list of a plain kind")
    if attribute.retain_days is not None and (in_list or attribute.area != CLIENTS):
        expected = "nothing in a list of groups, which is kept as a whole, and only for clients"
        yield _wrong("retainDays", str(attribute.retain_days), expected, "set it for the list")
    if attribute.area != CLIENTS:
        yield from _idle_flags(attribute)
    yield from _secrecy_problems(catalogue, attribute, outer, in_list=in_list)


def _idle_flags(attribute: Attribute) -> Iterator[Problem]:
    """What is said of an attribute of another area than clients that nothing would heed."""
    only = f"{attribute.area} have no such thing"
    if attribute.is_sortable and attribute.area not in SORTED_AREAS:
        yield _wrong("isSortable", "true", f"false for attributes of {attribute.area}", "they have no order by it")
    if attribute.max_age_hours is not None:
        yield _wrong("maxAgeHours", str(attribute.max_age_hours), "nothing but for clients", only)
    if not attribute.is_expected:
        yield _wrong("isExpected", "false", "true but for clients", only)
    for name, kinds in (("appliesTo", attribute.applies_to), ("requiredFor", attribute.required_for)):
        if kinds:
            yield _wrong(name, ", ".join(kinds), "nothing but for clients", "it says which kinds of client")


def _secrecy_problems(
    catalogue: Catalogue, attribute: Attribute, outer: Attribute | None, *, in_list: bool
) -> Iterator[Problem]:
    """What cannot be done with a value that is stored encrypted, and what only such a value needs."""
    is_within = outer is not None and catalogue.is_restricted(outer)
    is_restricted = is_within or attribute.sensitivity is Sensitivity.RESTRICTED
    if attribute.is_lookup:
        if not is_restricted:
            yield _wrong("isLookup", "true", "false unless the attribute is RESTRICTED", "others have filters anyway")
        elif attribute.kind not in LOOKUP_KINDS or attribute.is_list or in_list:
            kinds = ", ".join(sorted(LOOKUP_KINDS))
            yield _wrong("isLookup", "true", f"false but for single values of {kinds}", "nothing else is looked up")
    if is_restricted and attribute.area != CLIENTS:
        yield _wrong("sensitivity", "RESTRICTED", "another level", "only values of clients are encrypted")
    if is_restricted and attribute.is_sortable:
        yield _wrong("isSortable", "true", "false for RESTRICTED attributes", "an order would tell the value")
    if is_within and attribute.is_searchable:
        yield _wrong("isSearchable", "true", "false inside a RESTRICTED group", "a search would leak the value")
    if is_restricted and attribute.kind is Kind.CLIENT:
        yield _wrong("sensitivity", "RESTRICTED", "another level for CLIENT", "an erased client could not be found")
    if attribute.kind is Kind.GROUP and is_restricted:
        yield from _open_inside(catalogue, attribute)


def _open_inside(catalogue: Catalogue, group: Attribute) -> Iterator[Problem]:
    for each in catalogue.area(group.area).values():
        is_inside = each.path.startswith(f"{group.path}.")
        if is_inside and (each.is_sortable or each.is_searchable or each.kind is Kind.CLIENT):
            expected = "a level below it while something in the group is sortable, searchable or a CLIENT"
            yield _wrong("sensitivity", "RESTRICTED", expected, f"{each.path} is")


def shape_problems(attribute: Attribute) -> list[Problem]:
    """What does not fit together within one definition."""
    return [*_option_problems(attribute), *_limit_problems(attribute), *_word_problems(attribute)]


def _option_problems(attribute: Attribute) -> Iterator[Problem]:
    codes = [option.code for option in attribute.options]
    if attribute.kind is Kind.CODE and not codes:
        yield _wrong("options", "none", "at least one option for kind CODE", 'such as {code: "A", label: "Best"}')
    if attribute.kind is not Kind.CODE and codes:
        yield _wrong("options", f"{len(codes)} options", "no options", f"only CODE has options, not {attribute.kind}")
    if len(set(codes)) != len(codes) or len(codes) > OPTION_LIMIT:
        yield _wrong("options", f"{len(codes)} options", f"up to {OPTION_LIMIT} different codes", "")
    for code in codes:
        try:
            attribute.spec.parse(code)
        except ValueError:
            expected = 'a code of letters, digits, "_", ".", "+", "-", up to 64, that starts with a letter or digit'
            yield _wrong("options", code, expected, "")


def _bound_problems(attribute: Attribute) -> Iterator[Problem]:
    bounds = {name: bound for name in ("minimum", "maximum") if (bound := getattr(attribute, name)) is not None}
    if bounds and attribute.kind not in BOUNDED_KINDS:
        only = f"only LONG, NUMBER, DECIMAL, DATE and DATETIME have one, not {attribute.kind}"
        yield _wrong("minimum", "a range", "no range", only)
        return
    values = {}
    for name, bound in bounds.items():
        try:
            values[name] = bound_value(attribute.kind, bound)
        except ValueError as expected:
            yield _wrong(name, bound_words(bound), str(expected), "")
    if len(values) == 2 and values["minimum"] > values["maximum"]:
        low, high = bound_words(bounds["minimum"]), bound_words(bounds["maximum"])
        yield _wrong("minimum", low, f"{range_words(attribute.kind, None, None)} up to maximum ({high})", "")


def _limit_problems(attribute: Attribute) -> Iterator[Problem]:
    yield from _bound_problems(attribute)
    has_length = attribute.spec.length_limit and attribute.kind is not Kind.CODE
    if not has_length and (attribute.max_length is not None or attribute.min_length is not None or attribute.pattern):
        yield _wrong("maxLength", "a length or pattern", "none", f"{attribute.kind} is not free text")
    if has_length and attribute.max_length is not None and not 1 <= attribute.max_length <= attribute.spec.length_limit:
        yield _wrong("maxLength", str(attribute.max_length), f"1 to {attribute.spec.length_limit}", "")
    most = attribute.max_length or attribute.spec.length_limit
    if has_length and attribute.min_length is not None and not 0 <= attribute.min_length <= most:
        yield _wrong("minLength", str(attribute.min_length), f"0 to {most}", "")
    if attribute.max_age_hours is not None and not 1 <= attribute.max_age_hours <= 1_000_000:
        yield _wrong("maxAgeHours", str(attribute.max_age_hours), "1 to 1000000 hours", "")
    if attribute.retain_days is not None and not 1 <= attribute.retain_days <= RETENTION_LIMIT_DAYS:
        yield _wrong("retainDays", str(attribute.retain_days), f"1 to {RETENTION_LIMIT_DAYS} days", "")
    if attribute.retain_days is not None and attribute.required_for:
        yield _wrong(
            "retainDays", str(attribute.retain_days), "nothing for a required attribute", "it cannot be cleared"
        )
    if attribute.retain_days is not None and attribute.kind is Kind.GROUP and not attribute.is_list:
        yield _wrong("retainDays", str(attribute.retain_days), "nothing for a group", "its members have their own")
    if attribute.pattern is not None:
        yield from _pattern_problems(attribute.pattern)


def _pattern_problems(pattern: str) -> Iterator[Problem]:
    kept_out = "nested repeats, look-arounds or back-references"
    expected = f"a regular expression of up to {PATTERN_LIMIT} characters, without {kept_out}"
    # Looked at first: compiling a hostile one can take as long as matching with it.
    if is_risky(pattern):
        yield _wrong("pattern", pattern, expected, "it could take minutes on a hostile value")
    elif (fault := pattern_fault(pattern)) is not None:
        yield _wrong("pattern", pattern, expected, f"it does not compile: {fault}")


def pattern_fault(pattern: str) -> str | None:
    """Why an expression does not compile; None if it does."""
    try:
        re.compile(pattern)
    except RecursionError:
        return "it nests too deep"
    except (re.error, OverflowError) as error:
        return str(error)
    return None


def is_risky(pattern: str) -> bool:
    """Whether an expression could take minutes on a hostile text."""
    return len(pattern) > PATTERN_LIMIT or bool(_RISKY_PATTERN.search(pattern)) or repeats_choices(pattern)


def repeats_choices(pattern: str) -> bool:
    """Whether a group is repeated in which something is repeated, optional or a choice.

    Such an expression can match one text in very many ways, and tries them all on a text that does not fit.
    """
    open_groups: list[bool] = []
    bare = _CHARACTERS.sub("x", pattern)
    for at, sign in enumerate(bare):
        if sign == "(":
            open_groups.append(False)
        elif sign == ")" and open_groups:
            has_choices = open_groups.pop()
            is_repeated = bare[at + 1 : at + 2] in ("+", "*", "{")
            if has_choices and is_repeated:
                return True
            if open_groups and (has_choices or is_repeated):
                open_groups[-1] = True
        elif sign in "+*?{|" and open_groups:
            open_groups[-1] = True
    return False


def _word_problems(attribute: Attribute) -> Iterator[Problem]:
    if not attribute.label.strip() or len(attribute.label) > 100:
        yield _wrong("label", attribute.label, "1 to 100 characters", "")
    if not attribute.description.strip() or len(attribute.description) > 2_000:
        yield _wrong("description", attribute.description, "1 to 2000 characters", "")
    if attribute.is_searchable and not attribute.spec.is_text:
        yield _wrong("isSearchable", "true", f"false for {attribute.kind}", "only texts are searched")
    if attribute.is_searchable and attribute.sensitivity is Sensitivity.RESTRICTED:
        yield _wrong("isSearchable", "true", "false for RESTRICTED attributes", "a search would leak the value")
    if attribute.unit is not None and len(attribute.unit) > 40:
        yield _wrong("unit", attribute.unit, "up to 40 characters", "")


def _wrong(name: str, given: str, expected: str, why: str) -> Problem:
    reason = f" ({why})" if why else ""
    return Problem(
        ErrorCode.INVALID_VALUE, f"{name} takes {expected}; got {given or 'nothing'}{reason}.", (name,), given, expected
    )
