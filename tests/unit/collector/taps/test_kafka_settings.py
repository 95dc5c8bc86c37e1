"""Which topics are wanted, and how options and secrets reach either client."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from collector.taps.kafka_settings import KafkaSettings, SecretError


def settings(**fields: object) -> KafkaSettings:
    return KafkaSettings.model_validate({"bootstrap": "kafka:9092", **fields})


@pytest.mark.parametrize(
    ("fields", "wanted", "unwanted"),
    [
        ({}, ["orders", "a.b"], ["__consumer_offsets", "otlp_spans", "flowtap.state"]),
        ({"include": ["orders.*"]}, ["orders.created"], ["orders", "payments"]),
        ({"exclude": ["*-secret"]}, ["orders"], ["keys-secret"]),
        ({"include": ["__consumer_offsets", "*"]}, ["__consumer_offsets"], ["__other"]),
        ({"include": ["orders"], "exclude": ["ord*"]}, [], ["orders"]),
        ({"never": []}, ["otlp_spans", "__internal"], []),
    ],
)
def test_patterns(fields: dict[str, object], wanted: list[str], unwanted: list[str]) -> None:
    told = settings(**fields)
    assert [topic for topic in wanted + unwanted if told.wants(topic)] == wanted


def test_each_client_is_told_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("of the key\n")
    monkeypatch.setenv("KAFKA_PASSWORD", "of the user")
    told = settings(
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="tap",
        sasl_password={"env": "KAFKA_PASSWORD"},
        ssl_ca_file=tmp_path / "ca.pem",
        ssl_key_password={"file": tmp_path / "key"},
        ssl_check_hostname=False,
        confluent_options={"sasl.oauthbearer.config": {"env": "KAFKA_PASSWORD"}, "debug": "broker"},
        kafka_python_options={"api_version_auto": 3},
    )
    assert told.for_confluent() == {
        "bootstrap.servers": "kafka:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "tap",
        "sasl.password": "of the user",
        "ssl.ca.location": str(tmp_path / "ca.pem"),
        "ssl.key.password": "of the key",
        "ssl.endpoint.identification.algorithm": "none",
        "sasl.oauthbearer.config": "of the user",
        "debug": "broker",
    }
    assert told.for_kafka_python() == {
        "bootstrap_servers": "kafka:9092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "tap",
        "sasl_plain_password": "of the user",
        "ssl_cafile": str(tmp_path / "ca.pem"),
        "ssl_password": "of the key",
        "ssl_check_hostname": False,
        "api_version_auto": 3,
    }


def test_a_secret_that_is_not_there_is_named_without_its_value(tmp_path: Path) -> None:
    unset = settings(sasl_password={"env": "NOT_SET_ANYWHERE"})
    with pytest.raises(SecretError, match=r"^sasl\.password: .* NOT_SET_ANYWHERE is not set$"):
        unset.for_confluent()
    unread = settings(ssl_key_password={"file": tmp_path / "none"})
    with pytest.raises(SecretError, match=r"^ssl_password: cannot read .*none: No such file"):
        unread.for_kafka_python()


def test_secrets_do_not_show() -> None:
    told = settings(
        sasl_password="do not show",
        ssl_key_password="do not show",
        confluent_options={"sasl.password": "do not show"},
    )
    assert "do not show" not in repr(told)
    with pytest.raises(ValidationError) as refused:
        settings(sasl_password={"env": "A", "file": "B", "value": "do not show"})
    assert "do not show" not in str(refused.value)


@pytest.mark.parametrize(
    "fields", [{"since": "end"}, {"since": -1}, {"bootstrap": ""}, {"sasl_password": {}}]
)
def test_refuses_what_means_nothing(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**fields)
