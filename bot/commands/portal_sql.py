"""``odobot portal-sql``: the skeleton of the views that a portal of SQL views is made of."""

from typing import Annotated

import typer

from bot.commands.common import usage_error


def portal_sql(
    shows: Annotated[bool, typer.Option("--print", help="Print the statements; nothing is executed.")] = False,
    dialect: Annotated[str, typer.Option(help="postgresql, mysql (also for MariaDB) or sqlite.")] = "postgresql",
) -> None:
    """Print the SQL views that a database needs as a portal, with indexes and a user who can only read."""
    from portal.sql.database.address import Dialect
    from portal.sql.skeleton import skeleton

    if dialect not in set(Dialect):
        raise usage_error(f"odobot portal-sql: --dialect must be one of {', '.join(Dialect)}")
    if not shows:
        raise usage_error("odobot portal-sql: --print is the only thing that it does; give it")
    typer.echo(skeleton(Dialect(dialect)))
