"""The schema's version: whether a database has this release's tables, and how it gets them (Alembic)."""

from __future__ import annotations

from importlib import resources

from sqlalchemy import Connection, inspect, text

from sightloop.errors import Conflict


def is_current(c: Connection) -> bool:
    """Whether the tables are this release's; asked first, since Alembic's import costs a server a third of a second.

    Raises Conflict for a database that a newer release has migrated.
    """
    if not inspect(c).has_table("alembic_version"):
        return False
    found = c.execute(text("select version_num from alembic_version")).scalar_one_or_none()
    newest = _newest()
    if found is not None and found > newest:
        raise Conflict(
            "the database is of a newer release",
            expected=f"schema {newest} or older",
            got=f"schema {found}",
            hint="Install the release that last used it, or a newer one.",
        )
    return bool(found == newest)


def upgrade(c: Connection) -> None:
    """Bring the tables to this release's schema, within the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": c})
    config.set_main_option("script_location", "sightloop.store:migrations")
    command.upgrade(config, "head")


def _newest() -> str:
    # Files of migrations are named by their revisions, which count up: `0001_initial.py`.
    folder = resources.files("sightloop.store") / "migrations" / "versions"
    return max(file.name for file in folder.iterdir() if file.name.endswith(".py")).partition("_")[0]
