"""The table of settings in README.md and docs/operations.md; `python -m tests.settings_table` writes it anew."""

import re
from collections.abc import Iterator

from api.settings_help import settings_help
from tests.house_rules import ROOT

PAGES = ("README.md", "docs/operations.md")
_BEGIN = "<!-- settings: written by `python -m tests.settings_table` -->"
_END = "<!-- /settings -->"
_PLACE = re.compile(re.escape(_BEGIN) + ".*?" + re.escape(_END), re.DOTALL)


def settings_table() -> str:
    """A Markdown table of every setting, from what `kehu serve --help` prints."""
    return "\n".join(["| Variable | Meaning | Expected | Default |", "|---|---|---|---|", *_rows()])


def _rows() -> Iterator[str]:
    lines = settings_help().splitlines()
    for name, meaning, rule in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        expected, _, default = rule.strip().rpartition("; default: ")
        shown = "" if default == "nothing" else f"`{default}`"
        yield f"| `{name}` | {meaning.strip()} | {expected} | {shown} |"


def with_table(page: str) -> str:
    """The page with the table of today between its two marks.

    Raises: ValueError if the page has no such place.
    """
    if not _PLACE.search(page):
        raise ValueError(f"The page has no place for the table; write the two lines {_BEGIN} and {_END} into it.")
    return _PLACE.sub(lambda _: f"{_BEGIN}\n{settings_table()}\n{_END}", page)


if __name__ == "__main__":
    for each in PAGES:
        path = ROOT / each
        path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
