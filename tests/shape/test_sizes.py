"""A file holds one noun and fits the eye; a function does one thing."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

VAGUE = {"core", "utils", "util", "helpers", "helper", "manager", "base", "common", "misc", "tools"}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file with its length in lines, its docstring not counted."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = ast.get_docstring(node) is not None
            spent = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
            yield f"{path.name}:{node.name}", (node.end_lineno or 0) - node.lineno + 1 - spent


def test_no_file_is_longer_than_300_lines(sources: list[Path]) -> None:
    long = {path.name: lines for path in sources if (lines := len(path.read_text().splitlines())) > 300}
    assert not long


def test_no_function_is_longer_than_40_lines(sources: list[Path]) -> None:
    long = {name: lines for path in sources for name, lines in functions(path) if lines > 40}
    assert not long


def test_most_files_and_functions_are_short(sources: list[Path]) -> None:
    assert statistics.median(len(path.read_text().splitlines()) for path in sources) <= 110
    assert statistics.median(lines for path in sources for _, lines in functions(path)) <= 10


def test_no_file_has_a_vague_name(sources: list[Path]) -> None:
    assert not [path for path in sources if path.stem.strip("_") in VAGUE]
