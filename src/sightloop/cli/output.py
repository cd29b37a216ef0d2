"""How a command says what it found: a table for people, JSON for programs, errors in one red line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sightloop.errors import BadInput, SightloopError

MOST = 2**31 - 1
"""The largest number that every database takes."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a program to read.")]
Project = Annotated[str, typer.Argument(help="The project's name; `sightloop projects` lists them.")]


def out() -> Console:
    """The console on standard output, as it is now: tests and pipes exchange it."""
    return Console(soft_wrap=not sys.stdout.isatty(), highlight=False, markup=False, emoji=False)


def aside() -> Console:
    """The console on standard error, for progress and errors, so that standard output stays clean."""
    return Console(stderr=True, soft_wrap=not sys.stderr.isatty(), highlight=False, markup=False, emoji=False)


def say(text: str) -> None:
    """Print a line for people."""
    out().print(Text(printable(text)))


def printable(text: str) -> str:
    """A text that any terminal, and JSON, takes: the name of a file need not be UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def write_json(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def write_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "nothing yet") -> None:
    """Print rows as a table, or one line where there are none."""
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(Text("" if cell is None else printable(str(cell))) for cell in row))
    if table.row_count:
        out().print(table)
    else:
        say(empty)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make what the system says of a file that cannot be written an error that names it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error


def tell(error: SightloopError) -> None:
    """Print an error as one red sentence, and what can be done about it."""
    parts = [error.message]
    parts += [f"expected {error.expected}"] if error.expected else []
    parts += [f"got {error.got}"] if error.got else []
    aside().print(Text(printable(f"Error: {'; '.join(parts)}"), style="red"))
    if error.hint:
        aside().print(Text(error.hint))
