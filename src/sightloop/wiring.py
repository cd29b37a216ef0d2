"""The one place where the parts that a process works with are built."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from sightloop.data import recipes
from sightloop.errors import NotFound, NotReady
from sightloop.settings import Settings
from sightloop.store import deployments, versions
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database, is_unfit, may_pass, reason
from sightloop.values.recipe import Recipe
from sightloop.values.table import nearest
from sightloop.values.version import ModelVersion


@dataclass(frozen=True)
class Parts:
    """What a server, a worker and a command share: the settings, the stores, and every project's recipe by name."""

    settings: Settings
    database: Database
    blobs: Blobs
    recipes: dict[str, Recipe]

    def recipe(self, project: str) -> Recipe:
        """The project's recipe. Raises NotFound, naming the nearest project."""
        if project not in self.recipes:
            raise NotFound(f"the project {project!r} is {nearest(project, tuple(sorted(self.recipes)))}")
        return self.recipes[project]

    def version(self, project: str, number: int | None = None) -> ModelVersion:
        """The version of a project with this number, or the champion. Raises NotFound and NotReady."""
        self.recipe(project)
        with self.database.read() as connection:
            if number is not None:
                return versions.get(connection, project, number)
            present = deployments.current(connection, project)
            if present is None:
                raise NotReady(f"{project} has no model yet", hint=f"Train one with `sightloop train {project}`.")
            return versions.get(connection, project, present.champion.version)

    def close(self) -> None:
        """Give back the database's connections."""
        self.database.close()


def build(settings: Settings) -> Parts:
    """The parts under these settings; the home folder is made and the database brought to the newest schema.

    Raises NotReady where the home folder cannot be written or the database does not answer, and BadRecipe for a recipe
    that cannot be read.
    """
    known = recipes.load(settings.recipes)
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotReady(
            f"the home folder {settings.home} cannot be made: {error.strerror}", hint="Set SIGHTLOOP_HOME to another."
        ) from error
    database = Database(settings.database)
    try:
        database.migrate()
    except DBAPIError as error:
        if not (may_pass(error) or is_unfit(error)):
            raise
        raise NotReady(
            f"the database {database.url.render_as_string()} does not answer",  # without its password
            got=reason(error),
            hint="Look at SIGHTLOOP_HOME or SIGHTLOOP_DATABASE_URL, and whether the disk or the server is up.",
        ) from error
    return Parts(settings, database, Blobs(settings.blobs), known)
