"""flowtap up: runs a collector until it is told to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui.commands import options
from tui.commands.output import AWAY, explained, put_json, say, stop

if TYPE_CHECKING:
    from collector.config import Settings
    from collector.runtime import Runtime

PORT = "0 takes any free one."


def command(
    store: options.Store = None,
    config: options.Config = None,
    kafka: Annotated[
        list[str] | None,
        typer.Option(
            "--kafka",
            metavar="HOST:PORT",
            help="Tap this Kafka cluster; can be repeated. Replaces those of the configuration.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="With --kafka: read topics from then on, not from their end; `beginning` too.",
        ),
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", help="The environment of tapped messages.")
    ] = None,
    api_host: Annotated[
        str | None, typer.Option("--api-host", help="Where the API listens [default: 127.0.0.1].")
    ] = None,
    api_port: Annotated[
        int | None, typer.Option("--api-port", min=0, help=f"[default: 8411]. {PORT}")
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Where spans come in [default: 127.0.0.1].")
    ] = None,
    otlp_grpc_port: Annotated[
        str | None, typer.Option("--otlp-grpc-port", help=f"[default: 4317], or off. {PORT}")
    ] = None,
    otlp_http_port: Annotated[
        str | None, typer.Option("--otlp-http-port", help=f"[default: 4318], or off. {PORT}")
    ] = None,
    zipkin_port: Annotated[
        str | None, typer.Option("--zipkin-port", help=f"[default: 9411], or off. {PORT}")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
    as_json: options.Json = False,
) -> None:
    """Starts everything, says where it listens, and waits for Ctrl-C."""
    taps = [{"bootstrap": address, **_given(since=since)} for address in kafka or ()]
    overrides = _given(
        store=store,
        environment=environment,
        kafka=taps,
        api=_given(host=api_host, port=api_port),
        receivers=_given(
            host=host, otlp_grpc=otlp_grpc_port, otlp_http=otlp_http_port, zipkin=zipkin_port
        ),
    )
    with explained(as_json):
        from collector.config import load

        settings = load(overrides, config=config)
    _run(settings, verbose, as_json)


def _given(**options: Any) -> dict[str, Any]:
    """Those that were given."""
    return {name: value for name, value in options.items() if value not in (None, {}, [])}


def _run(settings: Settings, verbose: bool, as_json: bool) -> None:
    import logging

    import uvloop

    from collector import service
    from collector.receivers.receiver import CannotListen
    from collector.store.client import StoreBusy, StoreError
    from collector.taps.kafka_settings import SecretError

    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if not verbose:
        # The client logs errors while a broker is away; the tap's own warnings say it once.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        uvloop.run(service.run(settings, ready=lambda runtime: _ready(runtime, settings, as_json)))
    except StoreBusy as error:
        hint = "A collector may run there already: flowtap doctor. Or choose another --store."
        stop(str(error), hint, code=AWAY, error="store_busy", as_json=as_json)
    except StoreError as error:
        stop(str(error), "flowtap doctor says more.", error="store", as_json=as_json)
    except (CannotListen, OSError) as error:
        hint = "flowtap doctor says who listens there; the --...-port options choose others."
        stop(str(error), hint, error="cannot_listen", as_json=as_json)
    except SecretError as error:
        stop(str(error), error="config", as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    say("Stopped.")


def _ready(runtime: Runtime, settings: Settings, as_json: bool) -> None:
    """Says where everything is; the token is nobody's business."""
    if as_json:
        put_json(
            {
                "pid": runtime.pid,
                "url": runtime.url,
                "version": runtime.version,
                "store": runtime.store,
                "ports": dict(runtime.ports),
            }
        )
        import sys

        sys.stdout.flush()
        return
    from collector.places import shown

    say(f"flowtap {runtime.version} collects into {shown(settings.store)}")
    host = settings.receivers.host
    scheme = "https" if settings.receivers.access().encrypted else "http"
    doors = (
        ("otlp_http", "OTLP/HTTP", "OTEL_EXPORTER_OTLP_ENDPOINT={}://{}:{}"),
        ("otlp_grpc", "OTLP/gRPC", "OTEL_EXPORTER_OTLP_ENDPOINT={}://{}:{}"),
        ("zipkin", "Zipkin", "{}://{}:{}/api/v2/spans"),
    )
    for name, title, where in doors:
        if name in runtime.ports:
            say(f"  {title:10} {where.format(scheme, host, runtime.ports[name])}")
    for tap in settings.kafka:
        say(f"  {'Kafka':10} reads {tap.bootstrap}")
    say(f"  {'API':10} {runtime.url}/api/v1/docs")
    say("In another terminal: flowtap tui, flowtap graph, flowtap trace ID. Ctrl-C stops it.")
