"""Records what real client libraries and their instrumentations write, for tests to read.

    python -m tests.recordings.record [LIBRARY ...]

Tells the story of `libraries/story.py` with each library on a real broker, and writes all that
was exported and all that lies on the broker to `data/LIBRARY.json`. Needs a package index, Node
for kafkajs, and `redis-server` for Celery. No part of the tests: run it to renew the recordings.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samples.kafka.broker import Broker
from tests.recordings import environment
from tests.recordings.kafka_records import create, progress, records
from tests.recordings.redis_messages import redis
from tests.recordings.sink import Sink, sink

HERE = Path(__file__).parent
DATA = HERE / "data"
STORY_SECONDS = 120


@dataclass(frozen=True)
class Role:
    """Runs one service of a story, with these variables of its own."""

    command: tuple[str, ...]
    variables: dict[str, str]

    def start(self, service: str, instance: str = "", **variables: str) -> subprocess.Popen[str]:
        instance = instance or f"{service}-1"
        own = {
            "OTEL_SERVICE_NAME": service,
            "OTEL_RESOURCE_ATTRIBUTES": f"service.instance.id={instance}",
            "INSTANCE": instance,
        }
        return subprocess.Popen(
            [*self.command, service],
            env=os.environ | self.variables | own | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, service: str, instance: str = "", **variables: str) -> None:
        """To its end; raises CalledProcessError."""
        _end(self.start(service, instance, **variables))


def _end(process: subprocess.Popen[str], last_words: str | None = None) -> None:
    try:
        process.communicate(last_words, timeout=STORY_SECONDS)
    finally:
        process.kill()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)


def one_after_the_other(role: Role) -> None:
    for service in "abc":
        role.run(service)


def two_at_once(role: Role) -> None:
    """The second instance of `b` takes an order while the first is still slow with another one
    of the same cart and customer."""
    role.run("a")
    slow = role.start("b", PARTITION="0", WAITS="yes")
    try:
        assert slow.stdout is not None
        assert slow.stdout.readline() == "waiting\n"
        role.run("b", "b-2", PARTITION="1")
    finally:
        _end(slow, "go on\n")
    role.run("c")


def workers(role: Role) -> None:
    """Services that go on until they are told to stop, here after the third task."""
    role.run("a")
    for service in "bc":
        worker = role.start(service)
        try:
            assert worker.stdout is not None
            waiting = 3
            while waiting:
                line = worker.stdout.readline()
                assert line, "the worker ended early"
                waiting -= line.startswith("done ")
        finally:
            worker.terminate()
            _end(worker)


STORIES: dict[str, Callable[[Role], None]] = {
    "kafka-python": two_at_once,
    "aiokafka": two_at_once,
    "confluent-kafka": one_after_the_other,
    "faststream": one_after_the_other,
    "kafkajs": one_after_the_other,
    "celery": workers,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.recordings.record")
    parser.add_argument("libraries", nargs="*", metavar="LIBRARY", help=", ".join(STORIES))
    parser.add_argument(
        "--environment",
        type=Path,
        default=Path(tempfile.gettempdir()) / "flowtap-recordings",
        help="where the virtual environment is made and kept; default: %(default)s",
    )
    arguments = parser.parse_args()
    libraries = arguments.libraries or list(STORIES)
    if unknown := set(libraries) - set(STORIES):
        parser.error(f"no such library: {', '.join(sorted(unknown))}")
    python = environment.python(arguments.environment)
    with ExitStack() as stack:
        bootstrap = ""
        if set(libraries) != {"celery"}:
            bootstrap = stack.enter_context(Broker()).bootstrap
        for library in libraries:
            print(f"recording {library}", file=sys.stderr)
            recording = _recorded(library, python, bootstrap)
            text = json.dumps(recording, indent=1, sort_keys=True, ensure_ascii=False)
            for path in (HERE.parent.parent, arguments.environment):
                text = text.replace(f"{path}/", "")  # in stack traces
            (DATA / f"{library}.json").write_text(text + "\n", encoding="utf-8")
    return 0


def _recorded(library: str, python: Path, bootstrap: str) -> dict[str, Any]:
    with sink() as exported, _on_broker(library, bootstrap) as (variables, what_lies_there):
        role = Role(_command(library, python), variables | _telemetry(library, exported))
        STORIES[library](role)
        return {"library": library, "requests": exported.requests, **what_lies_there()}


def _command(library: str, python: Path) -> tuple[str, ...]:
    if library == "kafkajs":
        environment.node_modules()
        return ("node", str(environment.NODE / "story.js"))
    story = HERE / "libraries" / f"with_{library.replace('-', '_')}.py"
    return (str(python), "-W", "ignore", str(story))


def _telemetry(library: str, exported: Sink) -> dict[str, str]:
    return {"LIBRARY": library, "OTEL_EXPORTER_OTLP_ENDPOINT": exported.endpoint}


@contextmanager
def _on_broker(
    library: str, bootstrap: str
) -> Iterator[tuple[dict[str, str], Callable[[], dict[str, Any]]]]:
    """The variables that name the broker, and what asks it for messages and groups."""
    topics = [f"{library}.{name}" for name in "abc"]
    partitions = 2 if STORIES[library] is two_at_once else 1
    if library == "celery":
        with redis(*topics[:2]) as broker:
            yield {"REDIS": broker.url}, lambda: {"messages": broker.pushed, "progress": []}
    else:
        create(bootstrap, {topics[0]: partitions, topics[1]: 1, topics[2]: 1})
        yield (
            {"BOOTSTRAP": bootstrap, "PARTITIONS": str(partitions)},
            lambda: {
                "messages": records(bootstrap, topics),
                "progress": progress(bootstrap, [f"{library}-b", f"{library}-c"]),
            },
        )


if __name__ == "__main__":
    sys.exit(main())
