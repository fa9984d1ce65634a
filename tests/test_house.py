"""The plan of the house, held: who may import whom, how big a file may be, what no file may name."""

import ast
import graphlib
import re

import pytest

from tests.figures import Figure
from tests.house_rules import (
    CATALOGUE_MAY_IMPORT,
    DOORS,
    FORBIDDEN_PACKAGES,
    functions,
    hidden_imports,
    module_from,
    module_of,
    modules,
    names_type_checking,
    project_files,
    sideways_imports,
    source_modules,
    text_of,
    upward_imports,
)

FILE_LINES = 400
FUNCTION_LINES = 60
BAD_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}


class TestImports:
    def test_never_upward(self) -> None:
        assert {m.path: found for m in source_modules() if (found := upward_imports(m))} == {}

    def test_never_sideways_between_areas(self) -> None:
        assert {m.path: found for m in source_modules() if (found := sideways_imports(m))} == {}

    def test_changes_of_clients_are_compiled_at_one_door(self) -> None:
        """Who compiles a change himself writes one without what is computed of it; `merges` does for other areas."""
        name = "repositories.compile.changes.change_pipeline"
        doors = {m.path for m in source_modules() if name in {each for _, each in m.imports()}}
        assert doors == {"repositories/base.py", "repositories/derivations.py", "repositories/merges.py"}

    def test_never_from_tests_or_benchmarks(self) -> None:
        outside = {"tests", "benchmarks", "scripts"}
        assert [m.path for m in source_modules() for _, name in m.imports() if name.split(".")[0] in outside] == []

    def test_layers_keep_to_their_packages(self) -> None:
        found = [
            f"{m.path} imports {name}"
            for m in source_modules()
            for _, name in m.imports()
            if name.split(".")[0] in FORBIDDEN_PACKAGES.get(m.layer, set())
        ]
        assert found == []

    def test_catalogue_imports_only_pydantic_and_the_standard_library(self) -> None:
        names = {name.split(".")[0] for m in source_modules() if m.layer == "catalogue" for _, name in m.imports()}
        assert names - CATALOGUE_MAY_IMPORT == set()

    def test_no_import_inside_a_function_but_behind_a_door(self) -> None:
        assert {m.path: found for m in source_modules() if (found := hidden_imports(m))} == {}

    def test_no_type_checking_back_door(self) -> None:
        names = [m.path for m in source_modules() for node in ast.walk(m.tree) if names_type_checking(node)]
        assert names == []

    def test_no_cycles(self) -> None:
        names = {m.name for m in source_modules()}
        graph = {
            m.name: {target for _, name in m.imports() if (target := module_of(name, names)) and target != m.name}
            for m in source_modules()
        }
        tuple(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError with the cycle


class TestRulesBite:
    """Each rule, shown a file that breaks it."""

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("catalogue/kinds.py", "import policy.decision"),
            ("repositories/base.py", "from acts import clients"),
            ("acts/clients.py", "from schema.build import build_schema"),
            ("schema/clients/types.py", "from api.settings import Settings"),
        ],
    )
    def test_upward(self, path: str, text: str) -> None:
        assert upward_imports(module_from(path, text)) != []

    def test_downward_is_fine_even_when_it_skips(self) -> None:
        assert upward_imports(module_from("api/app.py", "from catalogue.kinds import Kind")) == []

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("schema/clients/types.py", "from schema.managers.types import Manager"),
            ("schema/clients/types.py", "from ..managers import types"),
            ("acts/clients.py", "from acts import managers"),
            ("repositories/segments.py", "import repositories.clients"),
            ("catalogue/builtin/clients_profile.py", "from catalogue.builtin import managers"),
        ],
    )
    def test_sideways(self, path: str, text: str) -> None:
        assert sideways_imports(module_from(path, text)) != []

    def test_inside_a_function(self) -> None:
        text = "def read():\n    import polars\n"
        assert hidden_imports(module_from("acts/clients.py", text)) == ["polars"]
        assert hidden_imports(module_from(next(iter(DOORS)), text)) == []


class TestNames:
    def test_no_drawer_modules(self) -> None:
        found = [path for path in project_files() if BAD_NAMES & set(path.removesuffix(".py").split("/"))]
        assert found == []


class TestSizes:
    def test_files(self, figure: Figure) -> None:
        sizes = sorted(((module.text.count("\n"), module.path) for module in modules()), reverse=True)
        figure(_biggest("files", sizes))
        assert [place for lines, place in sizes if lines > FILE_LINES] == []

    def test_functions(self, figure: Figure) -> None:
        sizes = sorted((size for module in modules() for size in functions(module)), reverse=True)
        figure(_biggest("functions", sizes))
        assert [place for lines, place in sizes if lines > FUNCTION_LINES] == []


def _biggest(what: str, sizes: list[tuple[int, str]]) -> str:
    return f"biggest {what}: " + ", ".join(f"{place} ({lines})" for lines, place in sizes[:5])


# Written in pieces, so that this file does not name what it forbids.
HOSTS = [
    ".".join(pieces)
    for pieces in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("npmjs", "com"),
        ("deb", "debian", "org"),
        ("proxy", "golang", "org"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w.~/*-])/(?:work|root|home)/\w|(?<![\w.])/opt/(?:pypi|wheels)\b|file:/{3}")


class TestNothingOfThisMachine:
    def test_no_file_names_a_registry_host(self) -> None:
        found = [f"{path}: {host}" for path in project_files() for host in HOSTS if host in text_of(path)]
        assert found == []

    def test_no_file_names_a_path_of_a_machine(self) -> None:
        found = [f"{path}: {match[0]}" for path in project_files() for match in MACHINE_PATH.finditer(text_of(path))]
        assert found == []

    def test_locks_name_no_index(self) -> None:
        locks = [path for path in project_files() if path.startswith("requirements/")]
        assert locks
        options = [f"{path}: {line}" for path in locks for line in text_of(path).splitlines() if line.startswith("-")]
        assert options == []
