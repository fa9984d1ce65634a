"""Maps that can be used, and what is said of those that cannot."""

from pathlib import Path

import pytest

from acts.importing.errors import ImportRefused
from acts.importing.map_file import load_map, map_from
from acts.importing.mapping import Column, ImportMap
from catalogue.attribute import Facet

MINIMAL = '[client]\nnumber = "id"\n[proof]\nsource = "a file"\n[values]\n"profile.name" = "Name"\n'


def _load(tmp_path: Path, text: str) -> ImportMap:
    path = tmp_path / "map.toml"
    path.write_text(text, "utf-8")
    return load_map(path)


class TestLoadMap:
    def test_a_text_names_a_column(self, tmp_path: Path) -> None:
        loaded = _load(tmp_path, MINIMAL)
        assert loaded.values["profile.name"].column == Column(name="Name")
        assert loaded.client.number.column == Column(name="id")

    def test_a_number_with_braces_is_a_template(self, tmp_path: Path) -> None:
        loaded = _load(tmp_path, MINIMAL.replace('"id"', '"SP-{id}"'))
        assert loaded.client.number.template == "SP-{id}"
        assert loaded.client.number.column is None

    def test_a_column_may_be_chosen_by_occurrence(self, tmp_path: Path) -> None:
        loaded = _load(tmp_path, MINIMAL.replace('"Name"', '{ column = { name = "day", occurrence = 2 } }'))
        assert loaded.values["profile.name"].column == Column(name="day", occurrence=2)

    @pytest.mark.parametrize("facet", ["profile", "PROFILE"])
    def test_a_facet_may_be_spelt_as_in_the_api(self, tmp_path: Path, facet: str) -> None:
        define = f'[[define]]\nfacet = "{facet}"\nkey = "size"\nkind = "LONG"\nlabel = "Size"\n'
        (found,) = _load(tmp_path, MINIMAL + define).define
        assert found.facet is Facet.PROFILE

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ImportRefused, match=r"nowhere\.toml cannot be read"):
            load_map(tmp_path / "nowhere.toml")

    def test_text_that_is_not_toml_says_where(self, tmp_path: Path) -> None:
        with pytest.raises(ImportRefused, match=r"is not TOML: .*line 1"):
            _load(tmp_path, "client = x\n")

    def test_bytes_that_are_not_utf8_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "map.toml"
        path.write_bytes(b"\xff\xfe")
        with pytest.raises(ImportRefused, match="is not TOML"):
            load_map(path)


class TestMapFrom:
    @pytest.mark.parametrize(
        ("section", "value", "words"),
        [
            (
                "values",
                {"profile.name": {"colum": "Name"}},
                "values.profile.name.colum: is no word of the map language",
            ),
            ("values", {"profile.name": {"split": ","}}, "exactly one of column, constant, template, date, items"),
            ("values", {"profile.name": {"column": "a", "constant": 1}}, "exactly one of column"),
            ("values", {"profile.name": {"column": "a", "split": ",", "part": 0}}, "part = 0 is no part"),
            ("values", {"profile.name": {"column": "a", "part": 1}}, "part together with split"),
            ("values", {"profile.name": {"column": "a", "match": "("}}, "does not compile"),
            ("values", {"profile.name": {"column": "a", "codes": "x"}}, r"no table \[codes.x\]"),
            ("values", {"profile": {"name": "a"}}, '"profile.name"'),
            ("proof", {}, "proof.source: is missing"),
            ("proof", {"source": "a", "observedAt": "2026-01-01T00:00:00"}, "proof.observedAt"),
            ("proof", {"source": "a", "confidence": 2}, "proof.confidence"),
            ("read", {"format": "xml"}, "read.format"),
            ("define", [{"facet": "profile", "key": "x", "kind": "WORD", "label": "X"}], "define.0.kind"),
        ],
    )
    def test_every_mistake_is_named(self, section: str, value: object, words: str) -> None:
        given = {"client": {"number": "id"}, "proof": {"source": "a"}, "values": {"profile.name": "Name"}}
        with pytest.raises(ImportRefused, match=words):
            map_from(given | {section: value})

    def test_all_mistakes_come_at_once(self) -> None:
        with pytest.raises(ImportRefused) as caught:
            map_from({"client": {"numbr": "id"}, "values": {"profile.name": {}}})
        assert "client.number" in caught.value.message
        assert "client.numbr" in caught.value.message
        assert "proof" in caught.value.message
        assert "values.profile.name" in caught.value.message
