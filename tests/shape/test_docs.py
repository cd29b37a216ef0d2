"""What users can set, call, watch and declare stands in the docs, and what the docs show is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer.main
from msgspec import Struct

from sightloop import errors
from sightloop.api.app import create
from sightloop.cli.main import app as command_line
from sightloop.settings import Settings
from sightloop.values.recipe import Recipe


def keys(kind: type[Struct], prefix: str = "") -> list[str]:
    """Every key of a recipe, nested ones with dots."""
    found = []
    for field in msgspec.structs.fields(kind):
        nested = isinstance(field.type, type) and issubclass(field.type, Struct)
        found += keys(field.type, f"{prefix}{field.name}.") if nested else [prefix + field.name]
    return found


def commands(group: Any, prefix: str = "") -> list[str]:
    """Every command with the words before it."""
    found = []
    for name, command in getattr(group, "commands", {}).items():
        below = commands(command, f"{prefix}{name} ")
        found += below or [prefix + name]
    return found


def test_every_setting_is_documented(root: Path) -> None:
    page = (root / "docs" / "settings.md").read_text()
    assert [name for name in Settings.model_fields if f"`SIGHTLOOP_{name.upper()}`" not in page] == []


def test_every_recipe_key_is_documented(root: Path) -> None:
    page = (root / "docs" / "recipes.md").read_text()
    assert [key for key in keys(Recipe) if f"`{key}`" not in page] == []


def test_every_command_is_documented(root: Path) -> None:
    page = (root / "docs" / "cli.md").read_text()
    known = commands(typer.main.get_command(command_line))
    assert known
    assert [name for name in known if f"sightloop {name}" not in page] == []


def test_every_route_is_documented(root: Path, make_settings: Any) -> None:
    page = (root / "docs" / "api.md").read_text()
    paths = create(make_settings()).openapi()["paths"]
    routes = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
    assert len(routes) > 20
    assert [route for route in routes if f"`{route}`" not in page] == []


def test_every_metric_is_documented(root: Path) -> None:
    page = (root / "docs" / "metrics.md").read_text()
    source = "".join(path.read_text() for path in (root / "src" / "sightloop").rglob("*.py"))
    names = re.findall(r'(?:Counter|Gauge|GaugeMetricFamily|Histogram|Summary|_gauge)\(\s*"([a-z_]+)"', source)
    assert len(names) > 15
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_tree_of_errors_is_drawn_whole() -> None:
    kinds = [
        name for name, kind in vars(errors).items() if isinstance(kind, type) and kind.__module__ == errors.__name__
    ]
    for name in kinds:
        kind = getattr(errors, name)
        assert re.search(rf"{name}\s+{kind.status}", errors.__doc__ or ""), name


def test_links_between_pages_lead_somewhere(pages: list[Path]) -> None:
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_blocks_of_toml_and_python_hold(pages: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen = 0
    for page in pages:
        for language, block in re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(), re.S | re.M):
            if language == "toml":
                Recipe.parse(block, origin=page.name)
                seen += 1
            elif language == "python":
                exec(compile(block, page.name, "exec"), {"__name__": "docs"})
                seen += 1
    assert seen
