"""Formats of numbers in a workbook: which of them show a date or a percentage, and what they make of a whole number."""

import re
from dataclasses import dataclass
from functools import lru_cache

BUILT_IN = {
    9: "0%",
    10: "0.00%",
    14: "m/d/yy",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "m/d/yy h:mm",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mmss.0",
}
"""Those that a workbook does not write out; 27 to 36 and 50 to 58 are dates of East Asia."""
_ASIAN = (*range(27, 37), *range(50, 59))
_ASIAN_TIMES = (32, 33, 34, 35, 55, 56)
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.')
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_BRACKETS = re.compile(r"\[[^\]]*\]")
_PADDED = re.compile(r"[0#?]*0[0#?]*0[0#?]*")
_PLACES = re.compile(r'"([^"]*)"|\\(.)|([0#?])|([-/ ().])|(.)')


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """What a format is for."""

    code: str
    is_date: bool = False
    has_time: bool = False
    is_elapsed: bool = False
    is_percent: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether a number is shown as it is, as far as its value goes."""
        return not (self.is_date or self.is_percent or self.is_elapsed or self.is_padded)

    @property
    def is_padded(self) -> bool:
        """Whether whole numbers are filled up with zeros: 00000."""
        bare = _QUOTED.sub("", self.code.partition(";")[0])
        return "." not in bare and "E" not in bare.upper() and _PADDED.search(re.sub(r"[-/ ()]", "", bare)) is not None

    def words_for(self, number: int) -> str:
        """A whole number as the format shows it: 123 is 00123 under 00000."""
        pieces = _PLACES.findall(self.code.partition(";")[0])
        digits = str(abs(number))
        shown: list[str] = []
        places = sum(bool(place) for *_, place, _, _ in pieces)
        for quoted, escaped, place, sign, _other in reversed(pieces):
            if not place:
                shown.append(quoted or escaped or sign)
                continue
            places -= 1
            taken, digits = (digits, "") if places == 0 else (digits[-1:], digits[:-1])
            shown.append(taken or ("0" if place == "0" else ""))
        return ("-" if number < 0 else "") + "".join(reversed(shown))


@lru_cache(maxsize=512)
def format_from(number: int, code: str | None) -> NumberFormat:
    """The format of a number, by its code if the workbook has one."""
    if code is None and number in _ASIAN:
        return NumberFormat("", is_date=True, has_time=number in _ASIAN_TIMES)
    code = BUILT_IN.get(number, "") if code is None else code
    first = _QUOTED.sub("", code.partition(";")[0])
    if _ELAPSED.search(first):
        return NumberFormat(code, is_elapsed=True)
    bare = _BRACKETS.sub("", first).casefold()
    if bare == "general":
        return NumberFormat("")
    bare = bare.replace("am/pm", "h").replace("a/p", "h")
    # e is a year in Japanese formats, and an exponent behind a 0; g is an era.
    is_date = any(letter in bare for letter in "ymdhs") or re.search(r"(?<![0#?.])e", bare) is not None
    has_time = is_date and any(letter in bare for letter in "hs")
    return NumberFormat(code, is_date=is_date, has_time=has_time, is_percent=not is_date and "%" in bare)
