"""Define, change and retire entry windows."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import strawberry

from acts.entry_weeks import Hours
from acts.entry_windows import (
    MOST_PATHS,
    EntryWindow,
    change_entry_window,
    define_entry_window,
    retire_entry_window,
)
from catalogue.attribute import Facet
from policy.rules import Right
from repositories.base import Written
from repositories.entry_windows import Weekday
from schema.context import Context
from schema.enums import FacetEnum, WeekdayEnum
from schema.fields import Fields, input_type
from schema.inputs import KEY_ROW, VERSION_ROW, guard_from
from schema.mutation import Result, mutation

Act = Callable[[Context, Mapping[str, Any]], Awaitable[Written]]

_CODE = ("code", str, "The code of the window.")
_PATHS = ("paths", list[str] | None, f"The attributes that it is about, 1 to {MOST_PATHS}; or a facet instead.")
_FACET = ("facet", FacetEnum | None, "The facet whose expected attributes it is about.")
_OPENS = "The hour at which it opens, by the clocks of its time zone: 14:00."
_CLOSES = "The hour at which it closes, on the same day; 24:00 is the end of the day."
_ZONE = "The time zone, such as Asia/Shanghai."
_DEFINE = (
    ("code", str, "The name by which programs call it: capitals, digits and _, up to 40; it never changes."),
    ("label", str, "What people call it."),
    _PATHS,
    _FACET,
    ("weekday", WeekdayEnum, "The day of the week."),
    ("opens", str, _OPENS),
    ("closes", str, _CLOSES),
    ("timeZone", str, _ZONE),
    KEY_ROW,
)
_CHANGES: Any = input_type(
    "EntryWindowChanges",
    "What is to change: left out stays. Weeks gone by are then shown as the window is now.",
    (
        ("label", str | None, "What people call it."),
        _PATHS,
        _FACET,
        ("weekday", WeekdayEnum | None, "The day of the week."),
        ("opens", str | None, _OPENS),
        ("closes", str | None, _CLOSES),
        ("timeZone", str | None, _ZONE),
    ),
)
_CHANGE = (_CODE, VERSION_ROW, ("changes", _CHANGES, "What is to change."), KEY_ROW)


def entry_window_mutations(window: Any) -> Fields:
    """The fields of Mutation about entry windows."""
    text = "A new entry window: the hours of a week within which values have to be entered."
    given: Any = input_type("EntryWindowDefineInput", "A new entry window.", _DEFINE)
    yield _mutation("entryWindowDefine", text, given, _define, window)
    text = "Change an entry window; its code stays."
    given = input_type("EntryWindowChangeInput", "A change of one entry window.", _CHANGE)
    yield _mutation("entryWindowChange", text, given, _change, window)
    text = "Take an entry window out of use; its code is not used again."
    given = input_type("EntryWindowRetireInput", "Which entry window goes.", (_CODE, VERSION_ROW, KEY_ROW))
    yield _mutation("entryWindowRetire", text, given, _retire, window)


def _mutation(name: str, text: str, given: Any, act: Act, window: Any) -> tuple[str, None, Any]:
    async def done(info: strawberry.Info, input: Mapping[str, Any]) -> dict[str, Any]:
        return {"entryWindow": (await act(info.context, input)).document}

    result = Result("entryWindow", window, "The window as it is now; null if refused.")
    return mutation(name, text, given, result, done, (Right.DEFINE_ATTRIBUTES,))


async def _define(context: Context, given: Mapping[str, Any]) -> Written:
    paths, facet = given.get("paths"), given.get("facet")
    window = EntryWindow(
        given["code"],
        given["label"],
        Hours(Weekday(given["weekday"]), given["opens"], given["closes"], given["timeZone"]),
        None if paths is None else tuple(paths),
        None if facet is None else Facet(facet),
    )
    return await define_entry_window(context.viewer, context.repositories, window, guard_from(given), context.touched)


async def _change(context: Context, given: Mapping[str, Any]) -> Written:
    return await change_entry_window(
        context.viewer, context.repositories, given["code"], given["changes"], guard_from(given), context.touched
    )


async def _retire(context: Context, given: Mapping[str, Any]) -> Written:
    return await retire_entry_window(
        context.viewer, context.repositories, given["code"], guard_from(given), context.touched
    )
