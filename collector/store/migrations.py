"""The schema's version and the views' version, and how an older store becomes a current one.

Tables change by numbered files in `schema/`, each run once, in order. Views are rendered from
the conventions and replaced whenever their rendering changes; the rows that were normalised by
the older ones stay until `flowtap reindex` fills the derived tables again. Who writes renders
them, knowing the user's own conventions; who only reads takes the views as they are.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from collector.conventions import plain, render, render_messages
from collector.conventions.own import Own
from collector.store import views

log = logging.getLogger(__name__)


class SchemaTooNew(Exception):
    """A newer program made this store."""


def migrate(client: Any, own: Own | None, require_room: Callable[[], None]) -> None:
    """Bring the store to this program's schema, and its views to these conventions; without them
    only a new store gets views. `require_room` raises where there is none for that."""
    if not int(client.command("EXISTS TABLE conventions_version")):
        require_room()
    client.command(
        "CREATE TABLE IF NOT EXISTS schema_version (version UInt32, applied DateTime DEFAULT now())"
        " ENGINE = MergeTree ORDER BY version"
    )
    client.command(
        "CREATE TABLE IF NOT EXISTS conventions_version (views String, conventions String, "
        "applied DateTime64(6) DEFAULT now64(6), reindexed Bool DEFAULT false) "
        "ENGINE = MergeTree ORDER BY applied"
    )
    steps = schema_files()
    done = int(client.command("SELECT max(version) FROM schema_version"))
    if done > len(steps):
        raise SchemaTooNew(
            f"the store has schema {done}, this flowtap knows {len(steps)}: use a newer flowtap"
        )
    if 0 < done < len(steps):
        log.warning(
            "the store goes from schema %d to %d: a large one takes its time", done, len(steps)
        )
    if done < len(steps):
        require_room()
    for version, sql in enumerate(steps[done:], start=done + 1):
        for statement in statements(sql):
            # A crash inside a step leaves some of its tables: the step runs again from its start.
            client.command(
                re.sub(r"^CREATE TABLE (?!IF)", "CREATE TABLE IF NOT EXISTS ", statement)
            )
        client.command(f"INSERT INTO schema_version (version) VALUES ({version})")
    if own is not None or not int(client.command("SELECT count() FROM conventions_version")):
        _replace_views(client, own or Own(), require_room)


def schema_files() -> list[str]:
    """The numbered schema files' texts, in order."""
    folder = files("collector.store") / "schema"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text(encoding="utf-8") for name in names]


def statements(sql: str) -> list[str]:
    """A schema file's statements, without its comment lines."""
    lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip(" ;\n")]


def views_version(own: Own) -> str:
    """Changes whenever a Null table or a view would be made differently."""
    return _digest(repr(views.NULL_TABLES), repr(views.views(own)))


def conventions_version(own: Own) -> str:
    """Changes whenever stored rows would be normalised differently: they then want a re-index."""
    return _digest(
        render.operations_select(),
        render.span_relations_select(),
        render.operation_ids_select(),
        render_messages.messages_select(own=own),
        plain.plain_select(own=own),
        render_messages.header_relations_select(),
        render_messages.message_ids_select(),
    )


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _replace_views(client: Any, own: Own, require_room: Callable[[], None]) -> None:
    wanted = views_version(own)
    have = str(
        client.command("SELECT views FROM conventions_version ORDER BY applied DESC LIMIT 1")
    )
    if have == wanted:
        return
    require_room()
    made = views.views(own)
    for name in reversed(made):
        client.command(f"DROP VIEW IF EXISTS {name}")
    for name, columns in views.NULL_TABLES.items():
        client.command(f"DROP TABLE IF EXISTS {name}")
        client.command(f"CREATE TABLE {name} ({columns}) ENGINE = Null")
    for name, (target, select) in made.items():
        client.command(f"CREATE MATERIALIZED VIEW {name} TO {target} AS {select}")
    empty = not int(
        client.command("SELECT (SELECT count() FROM operations) + (SELECT count() FROM messages)")
    )
    client.command(
        "INSERT INTO conventions_version (views, conventions, reindexed) VALUES "
        f"('{wanted}', '{conventions_version(own)}', {str(empty).lower()})"
    )


def needs_reindex(client: Any, own: Own) -> bool:
    """Whether stored rows were normalised by other conventions than these."""
    rows = client.query(
        "SELECT conventions, reindexed FROM conventions_version ORDER BY applied"
    ).result_rows
    last = max((at for at, row in enumerate(rows) if row[1]), default=0)
    present = conventions_version(own)
    return any(conventions != present for conventions, _ in rows[last:])


def note_reindexed(client: Any, own: Own) -> None:
    """Remember that all rows are now normalised by these conventions."""
    client.command(
        "INSERT INTO conventions_version (views, conventions, reindexed) VALUES "
        f"('{views_version(own)}', '{conventions_version(own)}', true)"
    )
