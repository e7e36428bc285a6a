"""The house: imports run one way, plugins come in by the front door, the front door is light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDER = (
    *(
        "__init__",
        "budget",
        "problem",
        "capabilities",
        "progress",
        "fronts",
        "store",
        "history",
        "data",
        "pickles",
        "checkpoint",
        "answers",
    ),
    *(
        "replay",
        "doors",
        "sources",
        "plugins",
        "checkout",
        "execute",
        "contract",
        "result",
        "adapters",
        "campaign",
        "record",
        "runs",
        "statistics",
        "rank_tests",
        "significance",
        "targets",
        "difficulty",
        "outcomes",
        "compare",
        "ioh",
        "export",
        "attainment",
        "plot_style",
        "plot_fronts",
        "plot_attainment",
        "plot_course",
        "plot_statistics",
        "plot_radar",
        "plot_audit",
        "plot_architecture",
        "plots",
    ),
    *("provenance", "advice", "tables", "page_fronts", "page", "report_data"),
    *(
        "figure_problem",
        "figure_overall",
        "figures",
        "report_figures",
        "report_answer",
        "report_problems",
        "report_searchers",
        "report_sections",
    ),
    *("report", "shard", "index", "engine_attempt", "engine_local", "engine_dask", "engine", "cli"),
)


def imports(path):
    """Modules that a file imports, wherever in the file; type-checking imports of the front door are no imports."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "mobench")
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_every_file_of_the_harness_has_its_place_in_the_order():
    assert {path.stem for path in (ROOT / "mobench").glob("*.py")} == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_imports_of_the_harness_run_one_way(name):
    for module in imports(ROOT / "mobench" / f"{name}.py"):
        parts = module.split(".")
        if parts[0] == "mobench" and len(parts) > 1 and parts[1] in ORDER:
            assert ORDER.index(parts[1]) < ORDER.index(name), f"mobench/{name}.py imports {module}, which is above it"
        assert parts[:2] not in (["mobench", "searchers"], ["mobench", "problems"]), f"{name} knows {module} by name"
        assert parts[0] != "torch", f"mobench/{name}.py imports torch; the harness does without"


@pytest.mark.parametrize("path", sorted(ROOT.glob("mobench/commands/*.py")), ids=lambda path: path.stem)
def test_commands_stand_beside_the_command_line_and_know_no_plugin(path):
    for module in imports(path):
        parts = module.split(".")
        assert parts[:2] not in (["mobench", "searchers"], ["mobench", "problems"]), f"{path.name} knows {module}"
        assert parts[0] != "torch", f"{path.name} imports torch; the harness does without"
        assert parts[:2] != ["mobench", "cli"], f"{path.name} imports the command line above it"
        if parts[:2] == ["mobench", "commands"]:
            assert parts[2:3] in ([], ["_terminal"]), f"{path.name} imports {module}, another command"


@pytest.mark.parametrize("path", sorted([*ROOT.glob("searchers/*.py"), *ROOT.glob("problems/**/*.py")]), ids=str)
def test_plugins_come_in_by_the_front_door_and_never_import_each_other(path):
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "mobench":
            front_door = len(parts) == 1 or (len(parts) == 2 and parts[1] not in ORDER)
            shared = len(parts) > 2 and parts[1] == path.relative_to(ROOT).parts[0] and _is_shared(parts[2:])
            assert front_door or shared, f"{path.relative_to(ROOT)} imports {module}; import from mobench itself"


def _is_shared(parts):
    return parts[0].startswith("_") or parts[0] == "live"


def test_the_front_door_is_light():
    code = (
        "import sys, mobench; "
        "print([m for m in ('torch', 'pymoo', 'pandas', 'matplotlib', 'numpy', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"


def test_a_table_search_needs_neither_torch_nor_pandas():
    code = (
        "import sys, mobench; mobench.run('nsga2', 'catsum', budget=100).hypervolume(); "
        "print([m for m in ('torch', 'pymoo', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"


def test_the_front_door_offers_what_it_promises():
    import mobench

    for name in dir(mobench):
        assert getattr(mobench, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        mobench.nonsense  # noqa: B018
