"""Imports go one way, nothing heavy loads with a module, and our own code is never imported inside a function."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

HEAVY = {
    "torch",
    "keras",
    "sklearn",
    "skl2onnx",
    "onnx",
    "onnxscript",
    "mlflow",
    "dbos",
    "matplotlib",
    "scipy",
    "dvc",
    "cleanlab",
}


def test_the_layers_hold(root: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_our_own_code_is_imported_at_the_top(sources: list[Path]) -> None:
    late = []
    for path in sources:
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                late += [
                    f"{path.name}:{node.lineno}"
                    for node in ast.walk(function)
                    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sightloop")
                ]
    assert not late


def test_no_module_loads_a_heavy_library(sources: list[Path], root: Path) -> None:
    names = [
        ".".join(path.relative_to(root / "src").with_suffix("").parts).removesuffix(".__init__")
        for path in sources
        if "migrations" not in path.parts
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"print(sorted(set(sys.modules) & {HEAVY!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
