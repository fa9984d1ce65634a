"""What tests measured and counted, told at the end of a run in the order of the tests, whichever process ran them."""

from collections.abc import Callable
from operator import itemgetter

import pytest

Figure = Callable[[str], None]
_NAME = "figure"


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Tells one line at the end of the run, below the name of the test; call it before what may fail.

    It goes with the report of the test, because a worker process of a run in several has no terminal.
    """
    place = request.session.items.index(request.node)

    def tell(line: str) -> None:
        request.node.user_properties.append((_NAME, [place, line]))

    return tell


class Figures:
    """The summary of all figures of a run."""

    def __init__(self) -> None:
        self._told: list[tuple[int, str, list[str]]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # the last of the reports of a test has what each of its phases told
        told = [value for name, value in report.user_properties if name == _NAME]
        if report.when == "teardown" and told:
            places, lines = zip(*told, strict=True)
            self._told.append((places[0], report.nodeid, list(lines)))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._told:
            terminalreporter.section("figures")
        for _, nodeid, lines in sorted(self._told, key=itemgetter(0)):
            terminalreporter.write_line(nodeid)
            for line in lines:
                terminalreporter.write_line(f"    {line}")
