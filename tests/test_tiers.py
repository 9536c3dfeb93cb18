"""Who may import whom: data and maps know nothing of commands, and reports nothing of torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Lower tiers first; a module may import its own tier and those before it.
TIERS = [
    {"errors", "records", "config", "memory", "user_code"},
    {
        "data",
        "models",
        "tasks",
        "explain",
        "regions",
        "scores",
        "tables",
        "report",
        "gates",
        "sampling",
        "device",
        "verdicts",
        "looked",
    },
    {
        "choice",
        "region_choice",
        "plan",
        "target_regions",
        "map_scores",
        "answers",
        "cells",
        "findings",
        "rows",
        "triage",
        "comparison",
        "serve",
        "distributions",
        "frame",
        "summary",
        "slices",
        "results",
        "galleries",
        "fit",
        "fitting",
        "looking",
        "nouns",
        "said",
    },
    {"engine", "finish", "manifest", "media", "pictures", "precision", "room", "sanity", "verify"},
    {"places", "runners", "worker", "machines"},
    {"auditing", "regions_command"},
    {"inline", "library", "options"},
]


def _imports(file: Path) -> set[str]:
    """The parts of ``audit`` that a file imports when it runs, at any level."""
    tree = ast.parse(file.read_text())
    for node in [n for n in tree.body if isinstance(n, ast.If)]:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            tree.body.remove(node)
    parts = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "audit":
            parts |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("audit."):
            parts.add(node.module.split(".")[1])
    return parts


def _tier(part: str) -> int:
    return next(level for level, parts in enumerate(TIERS) if part in parts)


FILES = sorted(
    file for file in (ROOT / "audit").rglob("*.py") if file != ROOT / "audit/__init__.py"
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_imports_a_higher_tier(file):
    mine = file.relative_to(ROOT / "audit").parts[0].removesuffix(".py")
    assert {part for part in _imports(file) if _tier(part) > _tier(mine)} == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_library_never_imports_its_commands(file):
    assert "pipelines" not in file.read_text()


@pytest.mark.parametrize(
    "module",
    [
        "audit.report.render",
        "audit.triage",
        "audit.gates.check",
        "audit.comparison.compare",
        "audit.serve.server",
        "audit.summary",
        "audit.tables.parts",
        "pipelines.cli",
    ],
)
def test_reading_tables_needs_no_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.name != "__init__.py"], ids=lambda f: str(f.relative_to(ROOT))
)
def test_every_module_says_what_it_offers(file):
    tree = ast.parse(file.read_text())
    (offered,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    ]
    defined = {
        *(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)),
        *(
            t.id
            for n in tree.body
            if isinstance(n, ast.Assign)
            for t in n.targets
            if isinstance(t, ast.Name)
        ),
        *(
            n.target.id
            for n in tree.body
            if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
        ),
    }
    assert set(offered) <= defined
