"""The plan of the house as pure functions over files: layers, areas, doors, sizes; test_house.py applies them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Highest first; a layer imports from itself and from what stands after it.
LAYERS = ("api", "worker", "schema", "acts", "repositories", "policy", "catalogue")
# fmt: off
AREAS = (
    "clients", "attributes", "segments", "interactions", "visits", "needs", "opportunities", "meetings", "cases",
    "risk", "evaluations", "approvals", "tasks", "requests", "intelligence", "journals", "reviews", "ideas", "managers",
    "service_accounts", "grants", "policies", "jobs", "entry_windows", "files",
)
# fmt: on
# The only modules that see all areas.
SEE_ALL_AREAS = {"schema.build", "api.app", "worker.handlers", "catalogue.builtin"}
# The one door file of an optional extra: imports it inside functions, so that it loads only when used.
DOORS = {
    "acts/importing/tabular.py": {"polars", "fastexcel"},
    "acts/exporting/tabular.py": {"polars", "xlsxwriter"},
    "acts/models/runtime.py": {"numpy", "onnx", "onnxruntime"},
    "repositories/mongo/memory_door.py": {"repositories"},
}

DRIVERS = {"pymongo", "pymongocrypt", "motor", "bson", "gridfs", "mongomock", "mongomock_motor", "mongomock_ng"}
HTTP = {"starlette", "uvicorn", "websockets", "typer", "rich"}
GRAPHQL = {"strawberry", "graphql"}
# What a layer must not import; catalogue has a shorter list, of what it may.
FORBIDDEN_PACKAGES = {
    "api": DRIVERS,
    "worker": DRIVERS | HTTP | GRAPHQL,
    "schema": DRIVERS | HTTP,
    "acts": DRIVERS | HTTP | GRAPHQL,
    "repositories": HTTP | GRAPHQL,
    "policy": DRIVERS | HTTP | GRAPHQL,
}
CATALOGUE_MAY_IMPORT = {"pydantic", "catalogue"} | sys.stdlib_module_names


@dataclass(frozen=True)
class Module:
    """One Python file of the project.

    Shape: name is dotted; a package's __init__.py has the package's name.
    """

    path: str
    name: str
    text: str
    tree: ast.Module

    @property
    def layer(self) -> str:
        return self.name.partition(".")[0]

    def imports(self) -> Iterator[tuple[ast.stmt, str]]:
        """Every absolute dotted name that is imported, with its statement; `from a import b` gives a.b."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node, alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield node, f"{self._base(node)}.{alias.name}"

    def _base(self, node: ast.ImportFrom) -> str:
        if node.level == 0:
            return node.module or ""
        package = self.name.split(".") if self.path.endswith("__init__.py") else self.name.split(".")[:-1]
        return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])


@cache
def project_files() -> tuple[str, ...]:
    """Paths of all files that are, or would be, committed."""
    answer = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return tuple(sorted(path for path in answer.stdout.split("\0") if path and (ROOT / path).is_file()))


def module_from(path: str, text: str) -> Module:
    name = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    return Module(path, name, text, ast.parse(text))


@cache
def modules() -> tuple[Module, ...]:
    return tuple(
        module_from(path, (ROOT / path).read_text("utf-8")) for path in project_files() if path.endswith(".py")
    )


def source_modules() -> list[Module]:
    return [module for module in modules() if module.layer in LAYERS]


def area_of(name: str) -> str | None:
    """Area that a module belongs to, or None.

    Shape: schema/<area>/.., acts/<area>.py, repositories/<area>.py, catalogue/builtin/<area>.py or <area>_profile.py.
    """
    parts = name.split(".")
    at = 2 if parts[:2] == ["catalogue", "builtin"] else 1
    if len(parts) <= at:
        return None
    # clients_profile belongs to clients: one area's rows may fill several files
    return next((area for area in AREAS if parts[at] == area or parts[at].startswith(area + "_")), None)


def upward_imports(module: Module) -> list[str]:
    above = set(LAYERS[: LAYERS.index(module.layer)])
    return [name for _, name in module.imports() if name.split(".")[0] in above]


def sideways_imports(module: Module) -> list[str]:
    own = area_of(module.name)
    if own is None or module.name in SEE_ALL_AREAS:
        return []
    return [
        name for _, name in module.imports() if name.split(".")[0] == module.layer and (area_of(name) or own) != own
    ]


def hidden_imports(module: Module) -> list[str]:
    """Imports that stand inside a function and not behind a named door."""
    door = DOORS.get(module.path, set())
    inside = {
        statement
        for function in ast.walk(module.tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for statement in ast.walk(function)
        if isinstance(statement, ast.Import | ast.ImportFrom)
    }
    return [name for statement, name in module.imports() if statement in inside and name.split(".")[0] not in door]


def functions(module: Module) -> Iterator[tuple[int, str]]:
    """Length in lines, decorators included, and place of every function."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield (node.end_lineno or first) - first + 1, f"{module.path}:{node.lineno} {node.name}"


def names_type_checking(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING") or (
        isinstance(node, ast.Attribute) and node.attr == "TYPE_CHECKING"
    )


def module_of(name: str, names: set[str]) -> str | None:
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name or None


@cache
def text_of(path: str) -> str:
    return (ROOT / path).read_text("utf-8", errors="ignore")
