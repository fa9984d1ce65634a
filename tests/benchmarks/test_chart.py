"""The picture."""

from xml.etree import ElementTree

import pytest

from benchmarks.chart import LEFT, NAMES, RIGHT, WIDTH, chart, x_of

FIGURES = {
    "Q1": {"kehu": {"cpu_ms": 0.2}, "floor": {"cpu_ms": 0.5}},
    "Q4": {"kehu": {"cpu_ms": 9.0}, "floor": {"cpu_ms": 5.0}, "naive": {"cpu_ms": 95.0}},
}
SVG = "{http://www.w3.org/2000/svg}"


class TestChart:
    def test_is_well_formed_with_a_bar_a_figure(self) -> None:
        root = ElementTree.fromstring(chart(FIGURES))
        titles = [each.text for each in root.iter(f"{SVG}title")]
        assert titles == [
            f"{NAMES['kehu']}: 0.2 ms",
            f"{NAMES['floor']}: 0.5 ms",
            f"{NAMES['kehu']}: 9 ms",
            f"{NAMES['floor']}: 5 ms",
            f"{NAMES['naive']}: 95 ms",
        ]

    def test_legend_names_what_was_measured_only(self) -> None:
        words = {each.text for each in ElementTree.fromstring(chart(FIGURES)).iter(f"{SVG}text")}
        assert NAMES["naive"] in words
        assert NAMES["mercurius"] not in words

    def test_nothing_stands_outside(self) -> None:
        root = ElementTree.fromstring(chart(FIGURES))
        height = float(root.attrib["height"])
        assert all(float(each.attrib.get("y", 0)) <= height for each in root.iter() if each is not root)


class TestXOf:
    @pytest.mark.parametrize(("value", "x"), [(0.1, LEFT), (10.0, WIDTH - RIGHT), (1.0, (LEFT + WIDTH - RIGHT) / 2)])
    def test_powers_of_ten_are_equally_far(self, value: float, x: float) -> None:
        assert x_of(value, -1, 1) == pytest.approx(x)

    def test_what_is_under_the_scale_stands_at_its_begin(self) -> None:
        assert x_of(0.001, -1, 1) == LEFT
