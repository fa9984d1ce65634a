"""What the load of `--editions` noticed, and what it defines."""

from pathlib import Path

from benchmarks.editions import Watched, builds_from, definition
from catalogue.attribute import Attribute
from catalogue.builtin import builtin_catalogue
from catalogue.kinds import Kind
from catalogue.rules import definition_problems


class TestWatched:
    def test_figures(self) -> None:
        watched = Watched([1.0, 2.0, 301.0, 4.0], ["500"], seconds=2.0, cpu_seconds=0.004)
        found = watched.figures()
        assert (found["requests"], found["rps"], found["failed"]) == (4, 2, 1)
        assert (found["slowest_ms"], found["over_300_ms"], found["cpu_ms"]) == (301.0, 1, 1.0)

    def test_no_request_at_all(self) -> None:
        assert Watched().figures()["slowest_ms"] == 0.0


class TestBuildsFrom:
    def test_reads_the_log(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        log.write_text("x\nINFO kehu.editions: edition 0afbc8fe3aa7 is live; it took 1.25 s to build\n")
        assert builds_from(log) == [1.25]


class TestDefinition:
    def test_may_be_defined(self) -> None:
        for place in range(16):
            given = definition(place)
            attribute = Attribute(
                path=f"{given['facet'].lower()}.{given['key']}",
                kind=Kind(given["kind"]),
                label=given["label"],
                description=given["description"],
            )
            assert definition_problems(builtin_catalogue(), attribute) == []
