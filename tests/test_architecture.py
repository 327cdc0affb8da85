"""The shape that was agreed: imports point upward, files are short, the engine is silent, starting costs little."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "refmaster"
ROWS = (
    "errors units version names contents records lean writing",
    "dsp headers behind stream stored atomic timeless tracks demo",
    "measure load save tags markers genres",
    "analyse belief compare bands folddown own outputs cache remembered nearness passport listen price bearing drive",
    "moves",
    "render decide locks ear rehearsal",
    "plan verify effects explain taken plain",
    "report toml_lines session_schema session_errors session_text session_merge session history account",
    "library",
    "again prepare deliver pipeline engines",
    "batch",
    "cli",
)
ROW_OF = {name: number for number, row in enumerate(ROWS) for name in row.split()}
MOST_LINES = 400
MOST_LINES_A_FUNCTION = 45
HEAVY = (
    "librosa",
    "matchering",
    "plotly",
    "scipy.signal",
    "pydantic",
    "tomlkit",
    "mutagen",
    "soxr",
    "dask",
    "distributed",
    "fsspec",
)
HELP = """
import sys
sys.argv = ['refmaster', '--help']
from refmaster.cli import main
try: main()
except SystemExit: pass
"""
OWNERS = {"pydantic": ("session_schema",)}  # imported only when a session is read

MODULES = sorted(PACKAGE.rglob("*.py"))
every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def top_of(module: str) -> str:
    """The part of `refmaster.part.rest` that stands in a row; "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


def imported(path: Path, *, at_module_level: bool = False) -> set[str]:
    """Every module a file imports, in functions too unless told otherwise; what only type checkers see is left out."""
    found: set[str] = set()
    names = {name_of(one) for one in MODULES}

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if at_module_level and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports by dots; write the whole name"
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                outside = not module.startswith("refmaster")
                found.add(inner if outside or inner in names else module)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def ours(modules: set[str]) -> set[str]:
    return {module for module in modules if module.split(".")[0] == "refmaster"}


@every_module
def test_every_module_stands_in_a_row(path):
    assert name_of(path) == "refmaster" or top_of(name_of(path)) in ROW_OF


@every_module
def test_imports_point_upward(path):
    me = top_of(name_of(path))
    if not me:
        return
    for other in ours(imported(path)):
        below = top_of(other)
        assert not below or ROW_OF[below] <= ROW_OF[me], f"{name_of(path)} imports {other}, which stands below it"


def test_no_import_goes_in_a_circle():
    graph = {name_of(path): ours(imported(path)) - {name_of(path), "refmaster"} for path in MODULES}
    graph["refmaster"] = set()  # looks up its names when they are used
    tuple(TopologicalSorter(graph).static_order())


def test_no_move_imports_a_move():
    for path in (PACKAGE / "moves").glob("*.py"):
        if path.name == "__init__.py":
            continue
        others = {module for module in ours(imported(path)) if module.startswith("refmaster.moves.")}
        assert not others, f"{path.name} imports {others}"


@every_module
def test_a_file_is_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@every_module
def test_a_function_fits_in_a_look(path):
    """Lines of code in its body; docstrings, comments and tables of keywords are no code."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert len(_code_lines(node, lines)) <= MOST_LINES_A_FUNCTION, f"{node.name} is long"


def _code_lines(function: ast.FunctionDef, lines: list[str]) -> set[int]:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    numbers = {n for one in body for n in range(one.lineno, (one.end_lineno or one.lineno) + 1)}
    tables = {
        n
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.lineno > call.lineno
        for n in range(keyword.lineno, (keyword.end_lineno or keyword.lineno) + 1)
    }
    return {n for n in numbers - tables if lines[n - 1].strip() and not lines[n - 1].strip().startswith("#")}


@every_module
def test_only_the_command_line_prints(path):
    if top_of(name_of(path)) == "cli":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "input", "breakpoint")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys":
            assert node.attr not in ("stdout", "stderr", "argv", "exit")


@every_module
def test_threads_that_are_not_waited_for_come_from_one_place(path):
    """Whoever has a pool of its own waits for it after Ctrl-C: `ahead.workers` does not."""
    pools = {module for module in imported(path) if module.endswith("ThreadPoolExecutor")}
    assert not pools or name_of(path) == "refmaster.dsp.ahead"


@every_module
def test_heavy_libraries_are_imported_when_they_are_used(path):
    me = top_of(name_of(path))
    for module in imported(path, at_module_level=True):
        for heavy in HEAVY:
            if module == heavy or module.startswith(f"{heavy}."):
                assert me in OWNERS.get(heavy, ()), f"{name_of(path)} imports {module} when it is imported"


@pytest.mark.parametrize(
    "code",
    [
        "import refmaster",
        "import refmaster.cli",
        HELP,
    ],
    ids=["import refmaster", "import refmaster.cli", "refmaster --help"],
)
def test_starting_imports_no_numpy(code):
    heavy = "{'numpy', 'scipy', 'numba', 'plotly', 'pydantic', 'soundfile', 'tomlkit', 'rich.progress'}"
    code += f"\nimport sys\nfound = {heavy} & set(sys.modules)\nassert not found, found"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert ran.returncode == 0, ran.stderr
