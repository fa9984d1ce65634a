"""Definitions as a text: everything of them comes back, wherever a field may be added."""

import json
from datetime import date
from typing import Any

import pytest

from catalogue.attribute import OF_ITS_BOOK, Attribute, AttributeOption, ClientKind, Sensitivity, Status
from catalogue.builtin import ATTRIBUTES
from catalogue.errors import Refused
from catalogue.kinds import Kind
from catalogue.written import OF_ITS_STAGE, attributes_from, text_from
from tests.definitions import defined

WHOLE = Attribute(
    path="profile.grade",
    label="Grade",
    description="客戶的等級",
    kind=Kind.CODE,
    is_list=True,
    unit="points",
    options=(AttributeOption(code="A", label="Best"), AttributeOption(code="B", label="Good", is_retired=True)),
    minimum=0.1,
    maximum=3.0,
    min_length=1,
    max_length=2,
    pattern="[A-Z]",
    required_for=(ClientKind.PERSON,),
    applies_to=(ClientKind.PERSON,),
    sensitivity=Sensitivity.RESTRICTED,
    max_age_hours=24,
    is_lookup=True,
    retain_days=9,
    owner="risk",
    status=Status.DEPRECATED,
    successor="profile.name",
    removal_on=date(2027, 1, 1),
    revision=7,
)


def problems_of(text: str) -> list[str]:
    with pytest.raises(Refused) as refused:
        attributes_from(text)
    return [each.message for each in refused.value.problems()]


class TestTextFrom:
    def test_everything_comes_back_but_what_each_stage_counts(self) -> None:
        assert attributes_from(text_from([WHOLE])) == (WHOLE.model_copy(update={"revision": 1}),)

    def test_every_field_of_the_model_is_carried_or_named(self) -> None:
        (block,) = json.loads(text_from([WHOLE.model_copy(update={"is_sortable": True, "is_searchable": True})]))[
            "attributes"
        ]
        unset = {
            each for each in Attribute.model_fields if getattr(WHOLE, each) == Attribute.model_fields[each].default
        }
        assert set(block) >= set(Attribute.model_fields) - OF_ITS_STAGE - unset

    def test_the_built_in_ones_come_back(self) -> None:
        plain = {name: Attribute.model_fields[name].default for name in OF_ITS_BOOK}
        assert set(attributes_from(text_from(ATTRIBUTES))) == {each.model_copy(update=plain) for each in ATTRIBUTES}

    def test_the_order_stays_whatever_was_given(self) -> None:
        rows = [defined("profile.b"), defined("attitude.c"), defined("a", area="managers")]
        assert text_from(rows) == text_from(reversed(rows))
        assert [each.path for each in attributes_from(text_from(rows))] == ["attitude.c", "profile.b", "a"]

    def test_one_change_is_one_line(self) -> None:
        before = text_from([WHOLE, defined("profile.b")]).splitlines()
        after = text_from([WHOLE.model_copy(update={"unit": "stars"}), defined("profile.b")]).splitlines()
        assert [(old, new) for old, new in zip(before, after, strict=True) if old != new] == [
            ('      "unit": "points",', '      "unit": "stars",')
        ]


class TestAttributesFrom:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{", "This is not JSON"),
            ("[]", 'The file has the text "list"'),
            ('{"kehu": 2, "attributes": []}', "expected a file of `kehu attributes export`"),
            ('{"kehu": 1, "attributes": [], "more": 1}', 'The file has the text "attributes, kehu, more"'),
        ],
    )
    def test_another_file_is_refused(self, text: str, words: str) -> None:
        assert words in problems_of(text)[0]

    def test_every_problem_at_once_with_its_place(self) -> None:
        good = {"path": "profile.a", "label": "A", "description": "A.", "kind": "LONG"}
        blocks: list[Any] = [good, {**good, "kind": "WORD"}, 7, {**good, "path": "profile.b", "colour": 1}, good]
        found = problems_of(json.dumps({"kehu": 1, "attributes": blocks}))
        assert [each.split(" does not fit")[0] for each in found] == [
            "profile.a: kind",
            "block 3: the block",
            "profile.b: colour",
            "Blocks 1 and 5 both define profile.a; leave one of them out.",
        ]
