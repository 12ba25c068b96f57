"""The release that was published last from the warehouse: what changed since is marked (see `touching`)."""

from flows.warehouse import touching
from flows.warehouse.duck import Duck, quoted
from schemas.manifest import RULES_VERSION, SCHEMA_VERSION

_VERSIONS = f"{RULES_VERSION}; {SCHEMA_VERSION}"


def start(duck: Duck) -> None:
    """Make what a new warehouse lacks."""
    duck.execute("CREATE TABLE IF NOT EXISTS base (release_id VARCHAR, versions VARCHAR)")


def base(duck: Duck) -> str | None:
    """The id of the release since which changes are marked; null if these rules published none from here."""
    rows = duck.rows(f"SELECT release_id FROM base WHERE versions = {quoted(_VERSIONS)}")
    return str(rows[0][0]) if rows else None


def settle(duck: Duck, release_id: str) -> None:
    """A release is published from what the warehouse holds now: nothing has changed since."""
    with duck.transaction():
        for statement in touching.forget():
            duck.execute(statement)
        duck.execute("DELETE FROM base")
        duck.execute(f"INSERT INTO base VALUES ({quoted(release_id)}, {quoted(_VERSIONS)})")


def untouched_tables(duck: Duck) -> set[str]:
    """The tables of which no row is another one than when the last release was published."""
    touched = {name for (name,) in duck.rows("SELECT DISTINCT name FROM touched_tables")}
    return {name for (name,) in duck.rows('SELECT DISTINCT "table" FROM extracted')} - touched
