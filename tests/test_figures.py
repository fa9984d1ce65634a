"""Figures reach the summary from whichever process, below their tests and in the order of these."""

from typing import Any, cast

import pytest

from tests.figures import Figure, Figures


class Lines:
    """A terminal that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def section(self, title: str) -> None:
        self.said.append(f"= {title}")

    def write_line(self, line: str) -> None:
        self.said.append(line)


def report(config: pytest.Config, name: str, told: list[tuple[str, Any]], when: Any = "teardown") -> pytest.TestReport:
    """A report as another process sends it."""
    own = pytest.TestReport(name, ("a.py", 1, name), {}, "passed", None, when, user_properties=told)
    sent = config.hook.pytest_report_to_serializable(config=config, report=own)
    received = config.hook.pytest_report_from_serializable(config=config, data=sent)
    assert isinstance(received, pytest.TestReport)
    return received


def shown(figures: Figures) -> list[str]:
    terminal = Lines()
    figures.pytest_terminal_summary(cast("pytest.TerminalReporter", terminal))
    return terminal.said


class TestFigure:
    def test_goes_with_the_report(self, figure: Figure, request: pytest.FixtureRequest) -> None:
        figure("the fixture works")
        place = request.session.items.index(request.node)
        assert request.node.user_properties == [("figure", [place, "the fixture works"])]


class TestSummary:
    def test_in_the_order_of_the_tests_each_once(self, pytestconfig: pytest.Config) -> None:
        figures, late, early = Figures(), [("figure", [12, "c"])], [("figure", [2, "b"]), ("figure", [2, "a"])]
        for when in ("setup", "call", "teardown"):
            figures.pytest_runtest_logreport(report(pytestconfig, "late", late, when))
        figures.pytest_runtest_logreport(report(pytestconfig, "early", early))
        figures.pytest_runtest_logreport(report(pytestconfig, "silent", [("other", 1)]))
        assert shown(figures) == ["= figures", "early", "    b", "    a", "late", "    c"]

    def test_of_none_there_is_no_heading(self, pytestconfig: pytest.Config) -> None:
        figures = Figures()
        figures.pytest_runtest_logreport(report(pytestconfig, "silent", []))
        assert shown(figures) == []
