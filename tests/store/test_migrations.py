"""Migrations: what they build is what the tables say."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from sightloop.errors import Conflict
from sightloop.store import schema
from sightloop.store.database import Database
from sightloop.store.tables import metadata

SQLITE = "select name, sql from sqlite_master where sql is not null and tbl_name != 'alembic_version' order by name"
COLUMNS = """
    select table_name, column_name, ordinal_position, data_type, character_maximum_length, is_nullable, column_default
    from information_schema.columns where table_schema = current_schema() and table_name != 'alembic_version'
    order by 1, 3
"""
CONSTRAINTS = """
    select conname, pg_get_constraintdef(oid) from pg_constraint
    where connamespace = current_schema()::regnamespace and conname not like 'alembic%' order by 1
"""
INDEXES = """
    select indexname, replace(indexdef, current_schema(), '') from pg_indexes
    where schemaname = current_schema() and tablename != 'alembic_version' order by 1
"""


def described(c: Connection) -> list[object]:
    """All that the database says of its tables, constraints and indexes."""
    queries = (SQLITE,) if c.dialect.name == "sqlite" else (COLUMNS, CONSTRAINTS, INDEXES)
    rows = [tuple(row) for query in queries for row in c.execute(text(query))]
    return [tuple("".join(cell.split()) if isinstance(cell, str) else cell for cell in row) for row in rows]


def test_the_migrated_schema_is_that_of_the_tables(database: Database) -> None:
    with database.read() as c:
        assert compare_metadata(MigrationContext.configure(c, opts={"compare_type": True}), metadata) == []


def test_the_migrated_schema_is_to_the_letter_what_the_tables_would_create(database: Database) -> None:
    with database.read() as c:
        migrated = described(c)
    with database.write() as c:
        metadata.drop_all(c)
        metadata.create_all(c)
    with database.read() as c:
        created = described(c)
    assert migrated == created
    assert len(migrated) > 15


def test_a_migrated_database_is_not_migrated_again(database: Database) -> None:
    with database.read() as c:
        assert schema.is_current(c)
        before = described(c)
    database.migrate()
    with database.write() as c:
        schema.upgrade(c)
    with database.read() as c:
        assert described(c) == before


def test_an_empty_database_is_told_from_a_migrated_one(database_url: str) -> None:
    database = Database(database_url)
    with database.read() as c:
        assert not schema.is_current(c)
    database.close()


def test_a_database_of_a_newer_release_is_refused(database: Database) -> None:
    with database.write() as c:
        c.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(Conflict, match="newer release"):
        database.migrate()


def test_the_files_of_migrations_are_named_by_their_revisions_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", "sightloop.store:migrations")
    walked = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]
    names = sorted(Path(script.path).name for script in walked)
    assert [name.partition("_")[0] for name in names] == [script.revision for script in walked]


def test_the_migrations_lie_in_the_package() -> None:
    folder = resources.files("sightloop.store") / "migrations"
    assert (folder / "env.py").is_file()
    assert (folder / "script.py.mako").is_file()
    assert (folder / "versions" / "0001_initial.py").is_file()
