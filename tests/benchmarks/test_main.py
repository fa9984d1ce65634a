"""The command line."""

from pathlib import Path

import pytest

from benchmarks.__main__ import arguments, errors_in, measurement
from benchmarks.errors import BenchmarkError
from benchmarks.questions import WORK
from benchmarks.workdir import WorkDir


class TestArguments:
    def test_everything_by_default(self) -> None:
        found = arguments([])
        assert (tuple(found.work), found.rounds, found.editions) == (WORK, 5, None)

    def test_as_in_the_contract(self) -> None:
        found = arguments(["--work", "Q1,Q2", "--rounds", "3", "--json", "out.json"])
        assert (found.work, found.rounds, found.json) == (("Q1", "Q2"), 3, Path("out.json"))

    def test_editions_with_and_without_a_count(self) -> None:
        assert arguments(["--editions"]).editions == 2_000
        assert arguments(["--editions", "50"]).editions == 50

    def test_further_measurements(self) -> None:
        assert arguments(["--attributes", "100,2000"]).attributes == (100, 2_000)
        assert arguments(["--ordinary"]).ordinary
        assert not arguments([]).ordinary

    def test_one_measurement_at_a_time(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            arguments(["--growth", "--memory"])
        assert "not allowed with" in capsys.readouterr().err


class TestMeasurement:
    def test_unknown_work_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(BenchmarkError, match=r"Q9.*expected some of Q1"):
            _ = measurement(arguments(["--work", "Q9"]), WorkDir(tmp_path))


class TestErrorsIn:
    def test_of_all_figures(self) -> None:
        work = {"Q1": {"kehu": {"errors": 2, "rps": 5.0}, "floor": {"errors": 0}}}
        assert errors_in({"work": work, "clients": 3}) == 2
        assert errors_in({"book": {"10000": work}, "storage": {}}) == 2
        assert errors_in({"editions": 3, "failures": []}) == 0
