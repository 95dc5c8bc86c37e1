"""An online shop of small services on a real Kafka: what such systems do, and how they fail.

Each service is a process of its own, with its own client library, and most of them with the real
OpenTelemetry instrumentation of that library. `flow.py` tells who consumes and produces what,
`services/` holds one file a service, `shop.py` starts and stops them all, and `ledger.py` computes,
from what the services wrote down, the truth that any observer can be checked against.

    python -m samples.shop --bootstrap 127.0.0.1:9092 --otlp http://127.0.0.1:4318 --seconds 30
"""
