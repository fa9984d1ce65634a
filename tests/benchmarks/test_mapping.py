"""The peers' clients under Kehu's paths."""

from benchmarks.mapping import camel_case, missing_attributes, missing_options, values_from
from catalogue.builtin import builtin_catalogue
from catalogue.kinds import Kind
from catalogue.rules import definition_problems

CLIENT = {
    "_id": "1",
    "profile": {"name": "A", "companySize": {"employees": 5, "band": "micro"}, "p00_amber": "x", "boss": {"name": "B"}},
    "behaviour": {"purchasing": {"channel": "web"}},
    "attitude": {"preferences": [{"product": "loan", "score": 0.5}]},
    "derived": {"segment": "key", "d01_basin": 1.5},
}


class TestValuesFrom:
    def test_paths_and_values(self) -> None:
        assert values_from(CLIENT) == {
            "profile.name": "A",
            "profile.employees": 5,
            "profile.sizeBand": "micro",
            "profile.p00Amber": "x",
            "profile.boss.name": "B",
            "behaviour.purchasing.channel": "web",
            "attitude.preferences": [{"product": "loan", "score": 0.5}],
            "derived.segment": "key",
            "derived.d01Basin": 1.5,
        }


class TestCamelCase:
    def test_key_without_underscore_stays(self) -> None:
        assert camel_case("contactCount90d") == "contactCount90d"


class TestMissingAttributes:
    def test_are_of_the_kinds_of_the_values(self) -> None:
        found = {each.path: each for each in missing_attributes(builtin_catalogue(), values_from(CLIENT))}
        kinds = {path: each.kind for path, each in found.items()}
        assert kinds == {
            "profile.p00Amber": Kind.STRING,
            "profile.boss": Kind.GROUP,
            "profile.boss.name": Kind.STRING,
            "attitude.preferences": Kind.GROUP,
            "attitude.preferences.product": Kind.STRING,
            "attitude.preferences.score": Kind.NUMBER,
            "derived.d01Basin": Kind.NUMBER,
        }
        assert found["attitude.preferences"].is_list

    def test_may_be_defined_one_after_the_other(self) -> None:
        catalogue = builtin_catalogue()
        for each in missing_attributes(catalogue, values_from(CLIENT)):
            assert definition_problems(catalogue, each) == []
            catalogue = catalogue.with_attributes([each])


class TestMissingOptions:
    def test_are_added_to_those_that_are_there(self) -> None:
        found = missing_options(builtin_catalogue(), [values_from(CLIENT)])
        assert set(found) == {"profile.sizeBand", "behaviour.purchasing.channel", "derived.segment"}
        assert [each.code for each in found["derived.segment"]] == ["KEY", "CORE", "GROWTH", "STANDARD", "key"]

    def test_nothing_where_all_are_known(self) -> None:
        assert missing_options(builtin_catalogue(), [{"derived.segment": "KEY"}]) == {}
