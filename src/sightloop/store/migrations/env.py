"""Runs the migrations in the transaction that `Database.migrate` began; Alembic executes this file."""

from alembic import context

from sightloop.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
