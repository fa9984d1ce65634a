"""The page of all attributes."""

from pathlib import Path

from catalogue.attribute import Attribute, Status
from catalogue.builtin import builtin_catalogue
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from catalogue.page import attributes_page

PAGE = Path(__file__).parents[2] / "docs" / "attributes.md"


class TestAttributesPage:
    def test_the_page_in_docs_is_current(self) -> None:
        assert PAGE.read_text(encoding="utf-8") == attributes_page(builtin_catalogue()), (
            "docs/attributes.md is not what the catalogue says; run: python -m catalogue.page > docs/attributes.md"
        )

    def test_every_live_attribute_has_one_row(self) -> None:
        page = attributes_page(builtin_catalogue())
        for each in builtin_catalogue().attributes:
            assert page.count(f"| `{each.path}` | ") == 1

    def test_drafts_are_left_out_and_bars_do_not_break_the_table(self) -> None:
        row = Attribute(path="profile.size", label="Size", description="Small | big.", kind=Kind.STRING, pattern="a|b")
        draft = row.model_copy(update={"path": "profile.later", "status": Status.DRAFT})
        page = attributes_page(Catalogue((row, draft)))
        assert "Small \\| big." in page
        assert "matches `a\\|b`" in page
        assert "profile.later" not in page

    def test_a_deprecated_attribute_names_its_successor(self) -> None:
        row = Attribute(
            path="profile.size",
            label="Size",
            description="How big it is.",
            kind=Kind.LONG,
            status=Status.DEPRECATED,
            successor="profile.employees",
        )
        assert "deprecated, use `profile.employees`" in attributes_page(Catalogue((row,)))
