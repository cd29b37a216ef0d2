"""What the tests of the repository's own shape look at."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def sources() -> list[Path]:
    """Every module of the product."""
    return sorted((ROOT / "src").rglob("*.py"))


@pytest.fixture(scope="session")
def pages() -> list[Path]:
    """Every page that users read."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
