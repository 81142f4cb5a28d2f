"""Run by Alembic, on the connection and in the transaction that `db.migration` hands over."""

from alembic import context

from db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the transaction is the caller's
    render_as_batch=True,  # SQLite cannot alter a column in place
)
context.run_migrations()
