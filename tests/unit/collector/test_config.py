"""Settings: who is heard first, and what a mistake is told like."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from collector import places
from collector.access import Access
from collector.config import (
    MASKED_HEADERS,
    Api,
    ConfigError,
    DeclaredConsumer,
    Limits,
    Receivers,
    Retention,
    Settings,
    load,
)
from collector.finding_rules import FindingRule
from collector.taps.kafka_settings import KafkaSettings, SecretReference
from collector.webhook.settings import Webhook
from collector.webhook.signing import key_of
from tests.certificates import CERTIFICATE, KEY
from tests.receiving import SECRET


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, a home without a configuration, no variables."""
    import os

    for name in [name for name in os.environ if name.startswith("FLOWTAP_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def write(text: str, name: str = "flowtap.toml") -> Path:
    file = Path(name).absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_nothing_said_means_the_defaults(nowhere: Path) -> None:
    settings = load()
    assert settings.store == nowhere / "data/flowtap/store"
    assert (settings.api.host, settings.api.port, settings.api.secret()) == ("127.0.0.1", 8411, "")
    doors = settings.receivers
    assert (doors.otlp_grpc, doors.otlp_http, doors.zipkin) == (4317, 4318, 9411)
    assert settings.kafka == ()
    assert settings.masked_headers == MASKED_HEADERS
    assert settings == Settings()


def test_command_line_over_variable_over_file_over_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write('environment = "file"\n[api]\nport = 1\nhost = "localhost"\n[receivers]\nzipkin = 1')
    assert load().api.port == 1
    monkeypatch.setenv("FLOWTAP_API_PORT", "2")
    monkeypatch.setenv("FLOWTAP_RECEIVERS_OTLP_GRPC", "off")
    monkeypatch.setenv("FLOWTAP_ENVIRONMENT", "variable")
    assert load().api.port == 2
    settings = load({"api": {"port": 3}})
    assert (settings.api.port, settings.api.host) == (3, "localhost")
    assert (settings.receivers.otlp_grpc, settings.receivers.zipkin) == (None, 1)
    assert settings.environment == "variable"


def test_the_file_asked_for_then_the_one_here_then_the_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write('environment = "users"', "config/flowtap/config.toml")
    assert load().environment == "users"
    write('environment = "here"')
    assert load().environment == "here"
    other = write('environment = "other"', "etc/other.toml")
    monkeypatch.setenv("FLOWTAP_CONFIG", str(other))
    assert load().environment == "other"
    asked = write('environment = "asked"', "etc/asked.toml")
    assert load(config=asked).environment == "asked"


def test_a_store_is_a_directory_or_a_server(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write('store = "kept"', "etc/flowtap.toml")
    beside = load(config=Path("etc/flowtap.toml"))
    assert beside.store == beside.folder == nowhere / "etc/kept", "relative to its file"
    assert load({"store": "kept"}).store == nowhere / "kept", "relative to the shell"
    monkeypatch.setenv("FLOWTAP_STORE", "https://me:hush@db.example:8443/traces?secure=1")
    server = load()
    assert server.store == "https://me:hush@db.example:8443/traces?secure=1"
    assert server.folder.parent == nowhere / "data/flowtap/servers"
    assert places.shown(server.store) == "https://db.example:8443/traces"
    assert "hush" not in repr(server)


def test_the_light_way_to_the_store_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert places.find_store() == load().store
    write('store = "kept"')
    assert places.find_store() == load().store
    monkeypatch.setenv("FLOWTAP_STORE", "~/elsewhere")
    assert places.find_store() == load().store == Path.home() / "elsewhere"
    assert places.find_store("x") == load({"store": "x"}).store


def test_kafka_clusters_are_tables_or_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        """
        [[kafka]]
        bootstrap = "one:9092"
        include = ["orders.*"]
        since = "beginning"
        sasl_password = { env = "KAFKA_PASSWORD" }
        [[kafka]]
        bootstrap = "two:9092"
        since = "2026-01-31T12:00:00Z"
        confluent_options = { "fetch.min.bytes" = 1 }
        """
    )
    one, two = load().kafka
    assert one.include == ("orders.*",)
    assert one.since == "beginning"
    assert one.sasl_password == SecretReference(env="KAFKA_PASSWORD")
    assert two.since == 1_769_860_800_000
    monkeypatch.setenv("FLOWTAP_KAFKA", "three:1,three:2; four:1")
    assert [tap.bootstrap for tap in load().kafka] == ["three:1,three:2", "four:1"]
    monkeypatch.setenv("FLOWTAP_KAFKA", '[{"bootstrap": "five:1", "reader": "kafka-python"}]')
    assert [(tap.bootstrap, tap.reader) for tap in load().kafka] == [("five:1", "kafka-python")]


def test_masked_headers_compare_in_lower_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWTAP_MASKED_HEADERS", "X-Secret, card-number,")
    assert load().masked_headers == ("x-secret", "card-number")


def test_the_token_comes_from_where_secrets_are(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nowhere / "token").write_text("s3cret\n")
    write(f'[api]\nhost = "0.0.0.0"\ntoken = {{ file = "{nowhere}/token" }}')
    settings = load()
    assert settings.api.secret() == "s3cret"
    assert "s3cret" not in repr(settings)
    monkeypatch.setenv("FLOWTAP_API_TOKEN", "other")
    assert load().api.secret() == "other"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_this_machine_needs_no_token(host: str) -> None:
    assert Api(host=host).local


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[api]\nport = 99999", "flowtap.toml: api.port: Input should be less than or equal"),
        ("[api]\nprot = 1", "flowtap.toml: api.prot: there is no such setting"),
        ("stor = 1", "flowtap.toml: stor: there is no such setting"),
        ('[api]\nhost = "0.0.0.0"', "flowtap.toml: api: 0.0.0.0 is reachable from other machines"),
        (
            '[receivers]\nhost = "::"',
            "flowtap.toml: receivers: :: is reachable from other machines",
        ),
        ('[receivers]\nhost = "10.0.0.1"', "set a token too"),
        ('[receivers]\ntls_key_file = "k"', "tls_certificate_file and tls_key_file go together"),
        (
            '[api]\ntls_certificate_file = "none.pem"\ntls_key_file = "none.key"',
            "flowtap.toml: api: cannot read none.pem: No such file",
        ),
        (
            '[api]\ntls_certificate_file = "flowtap.toml"\ntls_key_file = "flowtap.toml"',
            "are no certificate and its unencrypted key",
        ),
        ('[api]\ntoken = ""', "flowtap.toml: api: api.token: must be printable ASCII"),
        ('[api]\ntoken = {env = "NOT_SET"}', "environment variable NOT_SET is not set"),
        ("[[kafka]]\n", "flowtap.toml: kafka[0].bootstrap: Field required"),
        (
            '[[kafka]]\nbootstrap = "a:1"\n[[kafka]]\nbootstrap = "b:1"\nsince = "soon"',
            "flowtap.toml: kafka: 'soon' is no time",
        ),
        ("[receivers]\nzipkin = 'maybe'", "flowtap.toml: receivers.zipkin: Input should be a"),
        ("[limits]\nspool_bytes = 1", "flowtap.toml: limits.spool_bytes: Input should be greater"),
        ("port = = 1", "flowtap.toml: "),
        ("[webhook]\nurl = 'https://a.example'", "flowtap.toml: webhook.secret: Field required"),
        (
            "[webhook]\nurl = 'https://a.example'\nsecret = 's3cret'",
            "flowtap.toml: webhook: webhook.secret: must be whsec_ and 24 to 64 random bytes",
        ),
        (
            "[webhook]\nurl = 'https://a.example'\nsecret = { env = 'NOWHERE' }",
            "webhook.secret: environment variable NOWHERE is not set",
        ),
        *(
            (f"[webhook]\nurl = '{url}'\nsecret = '{SECRET}'", f"flowtap.toml: webhook.url: {said}")
            for url, said in (
                ("ftp://a.example", "must be an address"),
                ("https:///hook", "must be an address"),
                ("https://me:s3cret@a.example", "must hold no user and no password"),
                ("https://a.example/a b", "must be printable ASCII"),
                ("https://a.example:99999", "Port out of range"),
            )
        ),
        (
            f"[webhook]\nurl = 'https://a.example'\nsecret = '{SECRET}'\ntls_ca_file = 'gone.pem'",
            "webhook: tls_ca_file: cannot read gone.pem",
        ),
        (
            f"[webhook]\nurl = 'https://a.example'\nsecret = '{SECRET}'\nkinds = ['odd']",
            "flowtap.toml: webhook.kinds[0]: Input should be 'lost'",
        ),
    ],
)
def test_a_mistake_names_file_and_key(text: str, said: str) -> None:
    write(text)
    with pytest.raises(ConfigError) as error:
        load()
    assert said in str(error.value)
    assert "s3cret" not in str(error.value) and SECRET not in str(error.value)


def test_a_mistake_names_the_variable_or_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("[api]\nport = 5")
    monkeypatch.setenv("FLOWTAP_API_PORT", "many")
    with pytest.raises(ConfigError, match=r"^FLOWTAP_API_PORT: Input should be a valid integer"):
        load()
    with pytest.raises(ConfigError, match=r"^command line: api\.port: Input should be greater"):
        load({"api": {"port": -1}})
    monkeypatch.setenv("FLOWTAP_KAFKA", "[{")
    with pytest.raises(ConfigError, match="FLOWTAP_KAFKA: "):
        load({"api": {"port": 1}})


def test_every_mistake_is_told_at_once() -> None:
    write("[api]\nport = -1\ndeadline = 0")
    with pytest.raises(ConfigError) as error:
        load()
    assert len(str(error.value).splitlines()) == 2


def test_a_file_that_is_not_there_is_a_mistake(nowhere: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: there is no such file"):
        load(config=nowhere / "gone.toml")


PARTS = (
    ("api", Api),
    ("receivers", Receivers),
    ("limits", Limits),
    ("retention", Retention),
)


class TestThePage:
    """docs/configuration.md says all there is, and says it right."""

    @pytest.fixture
    def said(self) -> str:
        page = (Path(__file__).parents[3] / "docs/configuration.md").read_text(encoding="utf-8")
        return page.partition("```toml\n")[2].partition("```")[0]

    def test_it_can_be_used(
        self, said: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (nowhere / "token").write_text("s3cret")
        (nowhere / "token-webhook").write_text(SECRET)
        monkeypatch.setenv("FLOWTAP_SENDERS_TOKEN", "an0ther")
        said = said.replace("/run/secrets/flowtap", str(nowhere / "token"))
        for there, here in (("certificate", CERTIFICATE), ("key", KEY)):
            said = said.replace(f"/etc/flowtap/{there}.pem", str(here))
        write(said)
        assert load().api.access() == Access("s3cret", CERTIFICATE, KEY)
        assert load().receivers.access() == Access("an0ther", CERTIFICATE, KEY)
        webhook = load().webhook
        assert webhook is not None and webhook.key() == key_of(SECRET)

    def test_it_names_every_setting(self, said: str) -> None:
        tables = tomllib.loads(said)
        (kafka,) = tables.pop("kafka")
        assert set(kafka) == set(KafkaSettings.model_fields)
        (rule,) = tables["findings"]
        assert set(rule) == set(FindingRule.model_fields)
        assert set(tables["webhook"]) == set(Webhook.model_fields)
        (consumer,) = tables["consumers"]
        assert set(consumer) == set(DeclaredConsumer.model_fields)
        assert set(tables) | {"kafka"} == set(Settings.model_fields)
        for name, kind in PARTS:
            assert set(tables[name]) == set(kind.model_fields)

    def test_its_defaults_are_the_defaults(self, said: str) -> None:
        tables = tomllib.loads(said)
        for door in ("api", "receivers"):
            for name in ("token", "tls_certificate_file", "tls_key_file"):
                del tables[door][name]
        for name, kind in PARTS:
            assert kind(**tables[name]) == kind()


def test_a_webhook_is_told_by_variables_and_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLOWTAP_WEBHOOK_URL", "https://alerts.example:8443/hooks/t0ken")
    monkeypatch.setenv("FLOWTAP_WEBHOOK_SECRET", SECRET)
    webhook = load().webhook
    assert webhook is not None
    assert (webhook.key(), webhook.receiver) == (key_of(SECRET), "https://alerts.example:8443")
    assert "t0ken" not in repr(load()) and SECRET not in repr(load())


def test_consumers_are_declared_by_group_or_destinations() -> None:
    write(
        '[[consumers]]\nname = "points"\ngroup = "loyalty"\n'
        '[[consumers]]\nname = "audit"\ndestinations = ["order.*"]\n'
    )
    points, audit = (one.declared for one in load().consumers)
    assert (points.name, points.group, points.destinations) == ("points", "loyalty", ())
    assert audit.expects("order.created")
    assert not audit.expects("orders")
    write('[[consumers]]\nname = "audit"\n')
    with pytest.raises(ConfigError, match="neither its group nor its destinations"):
        load()


ACME = """
[ids]
order_id = ["header:order-id", "$.order_id", "$.order.id"]
customer = "$.customer[0]['the id']"

[[profiles]]
name = "acme"
marks = ["x-acme-id", ["x-acme", "$.meta.acme"], "content-type=application/vnd.acme"]
message_id = ["header:x-acme-id"]
causation_id = ["header:x-acme-parent", "$.meta.parent"]
"""


def test_a_user_s_own_profiles_and_ids() -> None:
    write(ACME)
    own = load().own
    assert [(one.name, one.places) for one in own.ids] == [
        ("order_id", ("header:order-id", "$.order_id", "$.order.id")),
        ("customer", ("$.customer[0]['the id']",)),
    ]
    (profile,) = own.profiles
    assert profile.marks[1] == ("x-acme", "$.meta.acme")
    assert profile.causation_id == ("header:x-acme-parent", "$.meta.parent")


@pytest.mark.parametrize(
    ("said", "key", "problem"),
    [
        (
            '[[copies]]\nname = "a"\nkind = "lost"\nmarks = ["a"]',
            "copies[0].kind",
            "'retry', 'dead-letter' or 'forward'",
        ),
        (
            '[[copies]]\nname = "a"\nkind = "retry"\nmarks = ["a"]\noffset = ["$.offset"]',
            "copies[0].offset[0]",
            "headers only",
        ),
        (
            '[[copies]]\nname = "rabbitmq"\nkind = "retry"\nmarks = ["a"]',
            "copies[0].name",
            "flowtap has",
        ),
        (
            '[[copies]]\nname = "a"\nkind = "retry"\nmarks = ["a"]\n' * 2,
            "copies",
            "two copies of the name a",
        ),
        ('[ids]\norder = ["$.order..id"]', "ids.order[0]", "is no path"),
        ('[ids]\norder = ["$.order[*]"]', "ids.order[0]", "is no path"),
        ('[ids]\norder = [""]', "ids.order[0]", "is missing"),
        ("[ids]\norder = []", "ids.order", "at least 1"),
        ('[ids]\n"order=id" = ["$.id"]', "ids.order=id", "a name begins with a letter"),
        ('[[profiles]]\nname = "acme"', "profiles[0].marks", "Field required"),
        ('[[profiles]]\nname = "acme"\nmarks = []', "profiles[0].marks", "at least 1"),
        ('[[profiles]]\nname = "celery"\nmarks = ["a"]', "profiles[0].name", "flowtap has"),
        ('[[profiles]]\nname = "A b"\nmarks = ["a"]', "profiles[0].name", "small letters"),
        (
            '[[profiles]]\nname = "a"\nmarks = ["a"]\ncause = ["b"]',
            "profiles[0].cause",
            "there is no such setting",
        ),
        (
            '[[profiles]]\nname = "a"\nmarks = ["a"]\ncausation_id = ["b", "$.x."]',
            "profiles[0].causation_id[1]",
            "is no path",
        ),
        (
            '[[profiles]]\nname = "a"\nmarks = ["a"]\nsource = ["header:b$.c"]',
            "profiles[0].source[0]",
            "[ids] only",
        ),
        (
            '[[profiles]]\nname = "a"\nmarks = ["content-type="]',
            "profiles[0].marks[0]",
            "say which",
        ),
        (
            '[[profiles]]\nname = "a"\nmarks = ["a"]\n[[profiles]]\nname = "a"\nmarks = ["b"]',
            "profiles",
            "two profiles of the name a",
        ),
    ],
)
def test_a_mistake_in_own_conventions_names_file_and_key(said: str, key: str, problem: str) -> None:
    file = write(said)
    with pytest.raises(ConfigError) as error:
        load()
    assert str(error.value).startswith(f"{file}: {key}")
    assert problem in str(error.value)


def test_findings_have_thresholds_and_are_muted_with_a_reason() -> None:
    write(
        '[[findings]]\nkinds = ["stale"]\nservices = ["report*"]\nmute = "runs at night"\n'
        '[[findings]]\ndestinations = ["orders"]\nattempts = 9\nstale_seconds = 60\n'
    )
    muted, louder = load().findings
    assert (muted.rule.kinds, muted.rule.mute) == (("stale",), "runs at night")
    assert louder.rule.thresholds == (("attempts", 9.0), ("stale_seconds", 60.0))
    assert load().rules.rules == (muted.rule, louder.rule)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('kinds = ["stale"]', "findings[0]: says neither a threshold nor why"),
        ('mute = "all is well"', "findings[0]: mutes everything"),
        ("attempts = 1", "findings[0].attempts: Input should be greater than or equal to 2"),
        ("kinds = ['late']\nattempts = 9", "findings[0].kinds[0]: Input should be 'lost'"),
        ("patience = 9", "findings[0].patience: there is no such setting"),
    ],
)
def test_a_rule_that_is_none_is_told(said: str, told: str) -> None:
    write(f"[[findings]]\n{said}\n")
    with pytest.raises(ConfigError) as error:
        load()
    assert told in str(error.value)
