"""`python -m samples.kafka`: runs one Kafka until it is interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from samples.kafka.broker import Broker
from samples.kafka.errors import BrokerError
from samples.kafka.jars import VERSION


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m samples.kafka", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=0, help="port on 127.0.0.1; default: a free one"
    )
    parser.add_argument("--dir", type=Path, help="keep data here; default: a temporary directory")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Broker(arguments.dir, arguments.port, lambda text: print(text, file=sys.stderr)) as up:
            print(up.bootstrap, flush=True)
            print(f"Kafka {VERSION} runs; Ctrl-C stops it", file=sys.stderr)
            while up.running:
                time.sleep(0.5)
            raise BrokerError(f"Kafka ended by itself:\n{up.log_tail()}")
    except KeyboardInterrupt:
        pass
    except BrokerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
