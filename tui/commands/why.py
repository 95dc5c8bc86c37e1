"""flowtap why: what became of an event at each consumer that should have had it."""

from __future__ import annotations

from tui.client import open_source
from tui.commands import options
from tui.commands.output import explained, put_json, put_lines, width
from tui.commands.trace import choice
from tui.source import Ambiguous


def command(
    id: options.Id,
    as_json: options.Json = False,
    url: options.Url = None,
    store: options.Store = None,
    config: options.Config = None,
    files: options.Files = None,
) -> None:
    """Asks a source for one event's fates and prints them."""
    with explained(as_json):
        source = open_source(url, store=store, config=config, files=files or ())
        try:
            fates = source.fate(id)
        except Ambiguous as several:
            choice(several, as_json)
        finally:
            source.close()
    if as_json:
        from graph.wire.fate import fates_to_dict

        put_json(fates_to_dict(fates))
        return
    from tui.drawing.fate_lines import fate_lines

    put_lines(fate_lines(fates, width()))
