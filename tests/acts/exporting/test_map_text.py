"""The map that goes out with an export."""

import tomllib

from acts.exporting.columns import CORE, Column
from acts.exporting.map_text import map_text
from catalogue.kinds import Kind


def test_names_what_an_import_may_give() -> None:
    columns = (
        *CORE,
        Column("profile.name", "profile.name", Kind.STRING),
        Column("profile.tags", "profile.tags", Kind.STRING, is_list=True),
        Column("profile.phone", "profile.phone", Kind.PHONE, is_masked=True),
        Column("derived.ratio", "derived.ratio", Kind.NUMBER, is_computed=True),
    )
    read = tomllib.loads(map_text(columns, 'The "old" book'))
    assert read["proof"] == {"source": 'The "old" book'}
    assert read["values"] == {
        "profile.name": "profile.name",
        "profile.tags": {"column": "profile.tags", "json": True},
    }
