"""flowtap reindex: stored spans and messages normalised again, by the present conventions."""

from __future__ import annotations

from tui.client import running_collector
from tui.commands import options
from tui.commands.output import AWAY, explained, put, put_json, say, stop


def command(
    as_json: options.Json = False,
    store: options.Store = None,
    config: options.Config = None,
) -> None:
    """Fills operations, relations, ids and edges anew; no collector may run meanwhile."""
    with explained(as_json):
        from collector import places
        from collector.config import load

        settings = load({"store": store} if store else None, config=config)
        location = settings.store
        shown = places.shown(location)
        runtime = running_collector(location)
    if runtime is not None:
        stop(
            f"a collector (process {runtime.pid}) is running on {shown}",
            "Stop it first: what it stores meanwhile would be lost.",
            code=AWAY,
            error="store_busy",
            as_json=as_json,
        )
    from collector.service import import_payloads
    from collector.store.client import Store, StoreBusy, StoreError
    from collector.store.reindex import reindex

    def narrate(what: str, done: int, total: int) -> None:
        say(f"{what}: {done:,} of {total:,}")

    try:
        with Store(location, own=settings.own) as opened:
            # A crash may have left spans that are in some tables only: they come first.
            import_payloads(opened, places.folder_of(location), ())
            reindex(opened, narrate)
    except StoreBusy as error:
        stop(str(error), "Stop it first.", code=AWAY, error="store_busy", as_json=as_json)
    except StoreError as error:
        stop(str(error), "It can simply be run again.", error="store", as_json=as_json)
    if as_json:
        put_json({"store": shown, "reindexed": True})
    else:
        put(f"{shown} is normalised by the present conventions")
