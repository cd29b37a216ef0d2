"""Bringing data into a project, with progress shown."""

from __future__ import annotations

from collections.abc import Iterable
from operator import length_hint

from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from sightloop import plugins
from sightloop.cli.output import aside
from sightloop.data import sources
from sightloop.home import first_source
from sightloop.loop.samples.collect import Collected, collect
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Labelled
from sightloop.wiring import Parts

_SHOWN = 5


def bring(parts: Parts, recipe: Recipe, items: Iterable[Labelled], *, author: str) -> Collected:
    """Import the items, with a bar on standard error that knows its end where the items do."""
    columns = (TextColumn("importing"), BarColumn(), MofNCompleteColumn(), TextColumn("samples"), TimeElapsedColumn())
    with Progress(*columns, console=aside(), transient=True) as progress:
        task = progress.add_task("importing", total=length_hint(items) or None)
        return collect(
            parts.database,
            parts.blobs,
            recipe,
            items,
            author=author,
            source="import",
            max_pixels=parts.settings.max_image_pixels,
            progress=lambda done: progress.update(task, completed=done),
        )


def bring_first(parts: Parts, recipe: Recipe) -> None:
    """Where the project has no samples, import the first of its recipe's sources that can be had. Raises BadData."""
    first = first_source(parts, recipe, lambda name: _opened(parts, recipe, name))
    if first is not None:
        name, items = first
        aside().print(Text(f"importing {name} into {recipe.name}"))
        show(bring(parts, recipe, items, author="recipe"))


def show(collected: Collected) -> None:
    """Say what became of the items, and why the first of the rejected ones were."""
    aside().print(
        Text(
            f"{collected.added} added, {collected.known} known, {collected.relabelled} of them labelled anew, "
            f"{len(collected.rejected)} rejected"
        )
    )
    for rejection in collected.rejected[:_SHOWN]:
        aside().print(Text(f"  {rejection.origin or f'item {rejection.index}'}: {rejection.reason}", style="yellow"))
    if len(collected.rejected) > _SHOWN:
        aside().print(Text(f"  and {len(collected.rejected) - _SHOWN} more", style="yellow"))


def _opened(parts: Parts, recipe: Recipe, name: str) -> Iterable[Labelled] | None:
    columns = (TextColumn("downloading {task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=aside(), transient=True) as progress:
        task = progress.add_task(name, total=None, visible=False)
        return sources.open(
            name,
            parts.settings,
            lambda file, held, total: progress.update(
                task, description=file, completed=held, total=total, visible=True
            ),
            boxed=plugins.load("tasks", recipe.task).boxed,
        )
