"""`make fuzz`: atheris, which looks for new paths through one decoder after the other.

python -m tests.fuzz.guided DECODER [options of libFuzzer], such as -max_total_time=60.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["collector", "graph"]):
    from tests.fuzz.decoders import DECODERS

from tests.fuzz.payloads import OTLP_JSON, ZIPKIN, otlp

SEEDS = {
    "otlp_protobuf": otlp(),
    "otlp_json": json.dumps(OTLP_JSON).encode(),
    "zipkin": json.dumps(ZIPKIN).encode(),
    "gzip": gzip.compress(b"a body" * 50, mtime=0),
    "deflate": zlib.compress(b"a body" * 50),
    "filter": b'topic:order.* -type:"a b" error:yes since:10m',
    "masks": b'[{"card": 1, "b": {"card": [2]}}]',
}
"""Where the search begins: from nothing it would hardly find a document."""


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in DECODERS:
        sys.exit(f"which decoder? one of {', '.join(DECODERS)}")
    name = sys.argv.pop(1)
    corpus = Path(".fuzz") / name  # kept: the next run goes on from there
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "seed").write_bytes(SEEDS[name])
    atheris.Setup([*sys.argv, str(corpus)], DECODERS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
