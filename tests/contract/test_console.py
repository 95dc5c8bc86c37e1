"""SQL of a person: what reads our own tables is answered, whatever else is refused."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from collector.backend import StoreBackend
from collector.config import Api
from collector.store import console
from collector.store.client import Store
from collector.store.console import Busy, Console
from collector.store.statements import TABLES, Refused
from tests.serving import serving
from tui.client import ApiClient, BadRequest

ASKED = [
    "SELECT 1",
    "SELECT 1;",
    "select count() from messages",
    "FROM messages SELECT count()",
    "SELECT count() FROM default.messages AS m FINAL",
    "DESCRIBE messages",
    "desc default.messages",
    "SHOW CREATE TABLE messages",
    "EXPLAIN SELECT 1",
    "EXPLAIN PLAN indexes = 1 SELECT count() FROM messages WHERE destination = 'x'",
    "WITH a AS (SELECT destination, count() AS n FROM messages GROUP BY 1) SELECT * FROM a",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
    "SELECT countIf(offset > 5), quantiles(0.5, 0.9)(value_size), uniqExact(key) FROM messages",
    "SELECT minute, quantilesTDigestMerge(0.5, 0.95)(latency) FROM edges WHERE minute > now() - "
    "INTERVAL 1 HOUR GROUP BY 1 ORDER BY 1 WITH FILL STEP 60",
    "SELECT m.destination, o.service FROM messages m LEFT JOIN operations o USING destination "
    "ARRAY JOIN m.headers.name AS h WHERE key IN (SELECT key FROM messages WHERE offset > 2)",
    "SELECT * EXCEPT(value), COLUMNS('off') FROM messages LIMIT 1 BY destination LIMIT 5",
    "SELECT CASE WHEN 1 THEN 'a' ELSE 'b' END, CASE 3 WHEN 1 THEN 2 ELSE 4 END, 1::String, "
    "CAST(1 AS UInt8), [1, 2][1], (1, 'a').1, exists(SELECT 1), 'a' LIKE 'b%', -1, NOT 1",
    "SELECT number, row_number() OVER w FROM numbers(3) WINDOW w AS (ORDER BY number) "
    "QUALIFY number > 0",
    "SELECT arrayMap(x -> x + 1, range(5)), arrayMap(toString, [1]), JSONExtractString('{}', 'a')",
    "SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 2",
    "(SELECT 1) INTERSECT (SELECT 1)",
    "SELECT * FROM values('a UInt8, b String', (1, 'x'))",
    "SELECT /* file('/etc/passwd') */ 'url(''http://x'')' -- SETTINGS a = 1",
    "SELECT version FROM edges",
    "SELECT SpanAttributes['x'] FROM otel_traces",
    "SELECT * FROM numbers(10) AS file",
]

ELSEWHERE = [
    *("file('F')", "FILE('F')", "`file`('F')", "\"file\"('F', CSV)", "file/**/('F')"),
    *("url('http://127.0.0.1:1/')", "s3('http://127.0.0.1:1/x')", "input('x String')"),
    *("remote('127.0.0.1', system.one)", "cluster('default', default.messages)"),
    *("merge('default', '.*')", "view(SELECT 1)", "executable('x', 'TSV', 'a String')"),
    *("mysql('a:1', 'b', 'c', 'd', 'e')", "sqlite('/tmp/x', 'y')", "dictionary('d')"),
    *("loop(secrets)", "mergeTreeIndex('default', 'messages')", "format(CSV, '1,2')"),
    *("generateRandom('a UInt8')", "python('x')", "fileCluster('c', 'F')", "null('x Int8')"),
    *("icebergLocal('/tmp')", "arrowFlight('x')", "viewExplain('EXPLAIN', '', (SELECT 1))"),
    *("(EXPLAIN SELECT 1)", "(SHOW TABLES)", "(DESCRIBE TABLE messages)"),
    *("system.tables", "SYSTEM.users", "`system`.`query_log`", "system.one"),
    *("information_schema.tables", "secrets", "default.secrets", "`default`.`secrets`", "state"),
    *("messages_in", "'/etc/passwd'", "`F`", "default.`F`", '"http://127.0.0.1:1/x.csv"'),
    *("$$secrets$$", "ｆile('F')", "\u00a0secrets", "{t:Identifier}", "secrets AS messages"),
    *("(SELECT * FROM (SELECT * FROM secrets))", "messages JOIN secrets ON 1", "messages, secrets"),
    *("numbers(toUInt64(file('F')))", "numbers((SELECT length(x) FROM secrets))"),
    "secrets AS `y, table_name: default.messages`",
]
"""After SELECT * FROM."""

VALUES = [
    *("file('F')", "sleep(1)", "hostName()", "FQDN()", "getSetting('max_threads')", "user()"),
    *("serverUUID()", "filesystemAvailable()", "showCertificate()", "addressToLine(1)"),
    *("dictGet('d', 'x', 1)", "joinGet('secrets', 'x', 1)", "aiGenerate('x')", "@@version"),
    *("hasColumnInTable('default', 'secrets', 'x')", "formatRow('CSV', 1)", "evalMLMethod(1, 2)"),
    *("initializeAggregation('sum', 1)", "catboostEvaluate('x', 1)", "ﬁle('F')", "{a:String}"),
    *("arrayMap(x -> file(x), ['F'])", "arrayMap(file, ['F'])", "arraySort(`file`, ['F'])"),
    *("(SELECT x FROM secrets)", "exists(SELECT 1 FROM secrets)", "1 IN system.databases"),
    *("'hidden' IN secrets", "'hidden' IN (secrets)", "1 AS `a\nFunction file`"),
    *("quantile((SELECT 0.5 FROM secrets))(1)", "count() FILTER (WHERE file('F') = '1')"),
    *("1 ORDER BY (SELECT x FROM secrets)", "1 LIMIT (SELECT length(x) FROM secrets)"),
    "1 GROUP BY file('F')",
]
"""After SELECT."""

OTHERS = [
    *("", "  ", "-- only", "SELEC 1", "SELECT 'abc", "x" * 30_000, "VALUES (1)"),
    *("SELECT 1; SELECT 2", "SELECT 1; DROP TABLE messages", "SELECT 1 -- x\n; SELECT 2"),
    *("SELECT 1)) UNION ALL (SELECT * FROM secrets", "SELECT 1) INTO OUTFILE 'OUT' --"),
    *(
        "SELECT 1 INTO OUTFILE 'OUT'",
        "SELECT 1 INTO OUTFILE 'OUT' FORMAT CSV",
        "SELECT 1 FORMAT CSV",
    ),
    *("SELECT 1 SETTINGS max_threads = 8", "SELECT * FROM (SELECT 1 SETTINGS readonly = 0)"),
    *(
        "SELECT 1 UNION ALL SELECT 2 SETTINGS readonly = 0",
        "EXPLAIN SELECT 1 SETTINGS readonly = 0",
    ),
    *("SELECT * APPLY(file) FROM messages", "SELECT * APPLY(x -> file(x)) FROM messages"),
    *(
        "SELECT * REPLACE(file('F') AS key) FROM messages",
        "WITH file AS f SELECT arrayMap(f, ['F'])",
    ),
    *("WITH a AS (SELECT * FROM secrets) SELECT 1", "WITH (SELECT x FROM secrets) AS y SELECT y"),
    *("SELECT 1 UNION ALL SELECT length(x) FROM secrets", "FROM secrets |> SELECT x"),
    *("INSERT INTO messages_in SELECT 1", "INSERT INTO FUNCTION file('OUT') SELECT 1"),
    *("CREATE TABLE t (a Int8) ENGINE = Memory", "DROP TABLE messages", "TRUNCATE TABLE messages"),
    *("ALTER TABLE messages DELETE WHERE 1", "DELETE FROM messages WHERE 1", "SYSTEM SHUTDOWN"),
    *("SET max_threads = 1", "USE system", "KILL QUERY WHERE 1", "EXECUTE AS default SELECT 1"),
    *("BACKUP TABLE messages TO Disk('a', 'b')", "SELECT 1 PARALLEL WITH SELECT 2"),
    *("EXPLAIN INSERT INTO messages_in SELECT 1", "EXPLAIN SELECT * FROM secrets"),
    *(
        "EXPLAIN SYNTAX SELECT file('F')",
        "EXPLAIN QUERY TREE SELECT * FROM url('http://127.0.0.1:1')",
    ),
    *("DESCRIBE url('http://127.0.0.1:1/')", "DESCRIBE secrets", "DESCRIBE (SELECT 1)"),
    *(
        "DESCRIBE messages INTO OUTFILE 'OUT'",
        "DESCRIBE messages FORMAT CSV",
        "DESCRIBE system.one",
    ),
    *("SHOW DATABASES", "SHOW TABLES FROM system", "SHOW CREATE TABLE secrets", "SHOW GRANTS"),
    *("SHOW CREATE TABLE messages INTO OUTFILE 'OUT'", "SHOW PROCESSLIST", "SHOW FUNCTIONS"),
    "SELECT " + "(" * 3_000 + "1" + ")" * 3_000,
    "SELECT " + ", ".join("1" * 9_000),
]

HOSTILE = (
    [f"SELECT * FROM {one}" for one in ELSEWHERE] + [f"SELECT {one}" for one in VALUES] + OTHERS
)


@pytest.fixture
def guarded(store: Store) -> Iterator[Console]:
    """A store in whose database lies what is not ours."""
    store.command("CREATE TABLE secrets (x String) ENGINE = MergeTree ORDER BY x")
    store.insert("secrets", {"x": ["hidden"]})
    yield Console(store)
    store.command("DROP TABLE secrets")


def test_questions_about_our_tables_are_answered(guarded: Console) -> None:
    for text in ASKED:
        table = guarded.ask(text)
        assert table.names, text
    listed = guarded.ask("SHOW TABLES")
    assert sorted(TABLES) == [name for name, *_ in listed.rows]


def test_whatever_else_is_refused_and_does_nothing(guarded: Console, tmp_path: Path) -> None:
    secret, out = tmp_path / "secret.csv", tmp_path / "out"
    secret.write_text("hidden\n")
    for text in HOSTILE:
        asked = text.replace("'F'", f"'{secret}'").replace("`F`", f"`{secret}`")
        with pytest.raises(Refused) as refused:
            guarded.ask(asked.replace("'OUT'", f"'{out}'"))
            pytest.fail(f"this was answered: {text}")
        assert "hidden" not in str(refused.value).replace("'hidden'", ""), text
    assert not out.exists()
    assert guarded.ask("SELECT count() >= 0 FROM messages").rows, "the tables are still there"


def test_values_of_every_kind_are_json(guarded: Console) -> None:
    table = guarded.ask(
        "SELECT toUInt64(18446744073709551615) AS big, nan AS odd, NULL AS none, unhex('ff41') AS "
        "bytes, toDateTime64('2026-11-26 12:00:00.5', 3, 'UTC') AS time, [1, 2] AS list, "
        "map('a', 1) AS map, toUUID('00000000-0000-0000-0000-000000000001') AS uuid"
    )
    assert table.names == ("big", "odd", "none", "bytes", "time", "list", "map", "uuid")
    assert table.types[0] == "UInt64"
    (row,) = json.loads(json.dumps(table.rows))
    assert row[:4] == [18446744073709551615, None, None, "\ufffdA"]
    assert row[4:7] == ["2026-11-26 12:00:00.500", [1, 2], {"a": 1}]


def test_an_answer_is_cut_and_says_so(guarded: Console) -> None:
    table = guarded.ask("SELECT number FROM numbers(20)", 5)
    assert (table.rows, table.more) == (((0,), (1,), (2,), (3,), (4,)), True)
    assert not guarded.ask("SELECT number FROM numbers(5)", 5).more
    most = guarded.ask("SELECT number FROM numbers(50000)", 50_000)
    assert (len(most.rows), most.more) == (console.ROWS, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT sum(cityHash64(number)) FROM numbers(1000000000000)", "longer than"),
        ("SELECT (SELECT sum(cityHash64(number)) FROM numbers(1000000000000))", "longer than"),
        ("SELECT arraySum(range(number + 200000000)) FROM numbers(1)", "of memory"),
        ("SELECT repeat(toString(number), 200000) FROM numbers(100)", "more than 16 MB"),
        ("SELECT repeat('x', 300000) FROM numbers(100)", "more than 16 MB"),
    ],
)
def test_what_takes_too_much_ends_and_leaves_nothing_behind(
    guarded: Console, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    monkeypatch.setattr(console, "SETTINGS", {**console.SETTINGS, "max_execution_time": 1})
    began = time.monotonic()
    with pytest.raises(Refused, match=says):
        guarded.ask(text)
    assert time.monotonic() - began < 10
    assert guarded.ask("SELECT 7").rows == ((7,),)


def test_one_runs_at_a_time(guarded: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[str] = []

    def again(_: object) -> None:
        with pytest.raises(Busy):
            guarded.ask("SELECT 1")
        inside.append("turned away")

    monkeypatch.setattr(console, "check_tree", lambda *_: again(None))
    assert guarded.ask("SELECT 2").rows == ((2,),)
    assert inside == ["turned away"]


def test_the_door_wants_a_token_and_tells_what_is_refused(store: Store) -> None:
    with serving(StoreBackend(store), Api(), owner_token="owner") as url:
        assert ApiClient(url, "owner").sql("SELECT 1 AS one", 5).rows == ((1,),)
        with pytest.raises(BadRequest, match="the function file is not allowed"):
            ApiClient(url, "owner").sql("SELECT file('/etc/passwd')", 5)
        with pytest.raises(BadRequest, match="less than or equal to 10000"):
            ApiClient(url, "owner").sql("SELECT 1", 10_001)
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        connection.request("POST", "/api/v1/sql", '{"query": "SELECT 1"}')
        assert connection.getresponse().status == 401, "also on this machine"
        connection.close()
