"""The layers, read from the imports: who may use whom, and what never waits for torch.

Imports within functions count as well.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nago.search.methods import METHODS

ROOT = Path(__file__).parents[1]

MAY_USE = {
    "seeds": set(),
    "failures": set(),
    "records": {"failures"},
    "paths": {"records"},
    "script": {"records"},
    "damage": {"records"},
    "tables": {"failures", "records"},
    "generators": {"records"},
    "data": {"records", "seeds"},
    "networks": {"records", "generators", "data"},
    "training": {"records", "seeds", "data"},
    "search": {"records", "seeds", "tables"},
    "exact": {"records", "seeds", "generators", "data", "search"},
    "objective": {"records", "seeds", "generators", "data", "networks", "training"},
    "schema": {"records"},
    "settings": {"records", "schema", "generators", "data", "search"},
    "comparison": {"records", "schema", "generators", "search", "settings"},
    "forecast": {
        *("records", "seeds", "tables", "generators", "search", "settings", "comparison"),
    },
    "status": {"failures", "records", "paths", "search"},
    "sampling": {"records", "seeds", "generators", "search"},
    "deployment": {"records", "seeds", "generators", "data", "networks", "sampling"},
    "description": {"records", "generators", "sampling"},
    "studies": {"records", "seeds", "tables", "generators", "sampling"},
    "report": {
        *("failures", "records", "seeds", "tables", "generators", "search", "settings"),
        "forecast",
    },
    "replay": {"records", "seeds", "tables", "search"},
    "interchange": {"records", "tables", "generators", "settings", "report", "replay"},
    "__init__": {"networks", "deployment"},
    "cli": {
        *("__init__", "records", "script", "generators", "schema", "settings", "comparison"),
        *("forecast", "status", "sampling", "description", "report"),
        *("networks", "data", "deployment", "tables", "replay", "interchange"),
    },
}
"""Each part of the package and what it may import beside itself: only what stands above it."""

TORCH = {
    *("nago.data.images", "nago.data.augmentation", "nago.objective"),
    *("nago.data.crops", "nago.data.colour", "nago.data.transfer"),
    *("nago.networks", "nago.networks.fused", "nago.training", "nago.deployment"),
    "nago.search.bohamiann",
}
"""The modules and packages that may import torch."""


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


LATE = {"nago.__init__", "nago.cli.winner"}
"""Modules whose functions import torch when they are called, and only then."""

MODULES = {name_of(path): path for path in sorted((ROOT / "nago").rglob("*.py"))}


def read_imports(path):
    """The full names that a file imports: modules, and what `from` takes out of them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports here are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif is_dynamic(node):
            names.add(node.args[0].value)
    return names


def is_dynamic(node):
    """Whether a node is `importlib.import_module` of a name that stands there."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "import_module"
        and isinstance(node.args[0], ast.Constant)
    )


IMPORTS = {module: read_imports(path) for module, path in MODULES.items()}


def part_of(name):
    """The part of the package that a module or an imported name belongs to."""
    second = [*name.split("."), "__init__"][1]
    return second if second in MAY_USE else "__init__"


def uses(module, library):
    return any(name == library or name.startswith(f"{library}.") for name in IMPORTS[module])


def reach(names):
    """All modules of the package that come with `names`, whenever that is."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        parents = [".".join(name.split(".")[:depth]) for depth in range(1, name.count(".") + 2)]
        for candidate in (*parents, *(f"{parent}.__init__" for parent in parents)):
            if candidate in MODULES and candidate not in LATE | found:
                found.add(candidate)
                waiting += [name for name in IMPORTS[candidate] if name.startswith("nago")]
                if candidate == "nago.search.methods":
                    waiting += [method.module for method in METHODS.values()]
    return found


def test_every_part_of_the_package_has_its_place():
    parts = {[*module.split("."), "__init__"][1] for module in MODULES}
    assert parts == set(MAY_USE)


def test_a_part_may_use_only_what_stands_above_it():
    above = set()
    for part, allowed in MAY_USE.items():
        assert allowed <= above, part
        above.add(part)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_its_part_and_those_it_may_use(module):
    part = part_of(module)
    imported = {part_of(name) for name in IMPORTS[module] if name.split(".")[0] == "nago"}
    assert imported <= MAY_USE[part] | {part}


def test_the_search_knows_neither_networks_nor_images():
    search = reach([module for module in MODULES if module.startswith("nago.search")])
    assert "nago.search.bohb" in search
    for other in ("generators", "networks", "data", "training", "objective"):
        assert [module for module in search if part_of(module) == other] == []
    for library in ("torchvision", "networkx", "PIL", "sklearn"):
        assert [module for module in search if uses(module, library)] == []
    # pybnn is written in torch; only who asks for that surrogate loads either.
    assert [module for module in search if uses(module, "torch")] == ["nago.search.bohamiann"]


def test_the_networks_and_the_training_know_no_search():
    known = reach([m for m in MODULES if part_of(m) in ("networks", "training", "objective")])
    assert "nago.networks.build" in known
    assert {part_of(module) for module in known} & {"search", "settings", "tables"} == set()


def test_networkx_is_for_wirings_alone():
    assert [module for module in MODULES if uses(module, "networkx")] == ["nago.generators.wiring"]


def test_tables_know_no_figures_and_runs_neither():
    tables = reach([module for module in MODULES if module.startswith("nago.report.tables.")])
    assert "nago.report.traces" in tables
    assert [module for module in tables if module.startswith("nago.report.figures.")] == []
    below = reach([f"nago.report.{name}" for name in ("traces", "hypervolume", "finals")])
    assert "nago.report.contestants" in below
    assert [module for module in below if module.startswith("nago.report.tables.")] == []


def test_torch_stays_where_networks_are_built_and_trained():
    for module in MODULES:
        package = module.rpartition(".")[0]
        if uses(module, "torch") or uses(module, "torchvision"):
            assert TORCH & {module, package}, module


def test_libraries_that_are_slow_to_import_have_one_place_each():
    places = {
        "hpbandster": {"nago.search.bohb"},
        "matplotlib": {"nago.report.figures", "nago.report.page.chart"},
        "jinja2": {"nago.report.page.writing"},
        "docutils": {"nago.report.page.attachments"},
        "sklearn": {"nago.data.sources.digits"},
        "pickle": {"nago.data.sources.cifar"},
        "urllib": {"nago.data.download"},
        "scipy": {
            *("nago.data.sources.flowers102", "nago.search.gaussian_process"),
            *("nago.search.acquisition", "nago.search.candidates", "nago.search.replicates"),
            *("nago.search.prior", "nago.report.tables.statistics", "nago.forecast.regression"),
        },
        "statsmodels": {"nago.search.bohb", "nago.report.tables.statistics"},
        "pymoo": {"nago.search.pool"},
        "moocore": {"nago.search.pareto"},
        "pybnn": {"nago.search.bohamiann"},
        "optuna": {"nago.replay.optimisers"},
        "pandas": {
            *("nago.tables", "nago.search.incumbent", "nago.search.front", "nago.search.initial"),
            *("nago.search.warm", "nago.search.generators"),
            *("nago.replay.table", "nago.replay.trace"),
            *("nago.interchange.tidy", "nago.interchange.journal"),
            *("nago.studies.draws", "nago.studies.summaries", "nago.studies.rings"),
            *("nago.forecast.calibration", "nago.forecast.basis", "nago.forecast.actual"),
            "nago.forecast.liked",
            *("nago.report.runs", "nago.report.contestants", "nago.report.hypervolume"),
            *("nago.report.traces", "nago.report.finals"),
            *("nago.report.tables", "nago.report.figures", "nago.report.page.winners"),
            *("nago.report.page.numbers", "nago.report.page.table", "nago.report.page.trials"),
            "nago.report.page.generators",
            *("nago.report.page.front", "nago.report.page.failures"),
            "nago.report.page.attachments",
        },
    }
    for library, known in places.items():
        users = {module for module in MODULES if uses(module, library)}
        assert {name for name in users if not {name, name.rpartition(".")[0]} & known} == set()


@pytest.mark.parametrize("start", ["settings", "forecast", "status", "sampling", "report", "cli"])
def test_what_plans_and_reports_never_needs_torch(start):
    known = reach([module for module in MODULES if part_of(module) == start])
    assert known & {f"nago.{start}", f"nago.{start}.__init__"}
    assert [module for module in known if uses(module, "torch")] == []


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*.py")), ids=lambda p: p.stem)
def test_only_the_scripts_that_train_need_torch(path):
    own = read_imports(path)
    known = reach([name for name in own if name.startswith("nago")])
    assert "nago.records" in known
    needs = [module for module in known if uses(module, "torch")]
    assert bool(needs) == (path.stem in {"train", "train_final"})


def test_the_workflow_imports_no_torch():
    files = [ROOT / "workflow" / "Snakefile", *(ROOT / "rules").glob("*.smk")]
    text = "\n".join(path.read_text() for path in files)
    names = re.findall(r"^\s*(?:from|import) (nago\S*)", text, flags=re.MULTILINE)
    assert "nago.comparison" in names
    assert [module for module in reach(names) if uses(module, "torch")] == []
    assert re.findall(r"^\s*(?:from|import) torch", text, flags=re.MULTILINE) == []


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("nago", "torch networkx numpy pandas matplotlib"),
        ("nago.settings", "torch networkx numpy pandas matplotlib sklearn ConfigSpace"),
        ("nago.comparison", "torch networkx numpy pandas matplotlib sklearn ConfigSpace"),
        ("nago.forecast", "torch networkx numpy pandas matplotlib"),
        ("nago.forecast.schedule", "torch networkx numpy pandas matplotlib"),
        ("nago.forecast.cap", "torch matplotlib sklearn statsmodels hpbandster"),
        ("nago.status", "torch networkx numpy pandas matplotlib"),
        ("nago.damage", "torch networkx numpy pandas matplotlib"),
        ("nago.cli", "torch numpy pandas matplotlib jinja2"),
        ("nago.search.steps", "torch networkx numpy pandas matplotlib hpbandster"),
        ("nago.search.bohb", "torch networkx pandas matplotlib hpbandster statsmodels"),
        ("nago.search.mobo", "torch networkx pandas matplotlib pymoo moocore pybnn"),
        ("nago.search.mobohb", "torch networkx pandas matplotlib hpbandster pymoo moocore pybnn"),
        ("nago.search.bnn", "torch networkx pandas matplotlib scipy pybnn"),
        ("nago.exact", "torch networkx pandas matplotlib"),
        ("nago.tables", "torch networkx matplotlib"),
        ("nago.data.datasets", "torch networkx pandas matplotlib sklearn scipy urllib.request"),
        ("nago.report.figures.search_trials", "torch networkx"),
        ("nago.report.tables.claims", "torch hpbandster pymoo ConfigSpace"),
        ("nago.report.tables.surrogates", "torch pybnn ConfigSpace matplotlib"),
        ("nago.report.page.writing", "torch networkx sklearn ConfigSpace hpbandster"),
        ("nago.interchange.journal", "torch optuna jinja2 ConfigSpace hpbandster"),
        ("nago.replay", "torch optuna hpbandster matplotlib"),
        ("nago.generators.draw", "torch pandas matplotlib"),
        ("nago.objective", "pandas matplotlib sklearn torchvision torch._dynamo"),
    ],
)
def test_a_module_in_a_process_of_its_own_loads_nothing_it_does_not_need(module, without):
    code = f"import sys, {module}; print([n for n in {without.split()} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
