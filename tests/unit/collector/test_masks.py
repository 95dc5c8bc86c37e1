"""What of JSON bodies is masked: no byte of it is left, however it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.masks import MASK, BodyMasks, parse

SECRET = "4111-secret"


@pytest.mark.parametrize(
    ("path", "body", "stored"),
    [
        ("$.card", {"card": SECRET, "a": 1}, {"card": "***", "a": 1}),
        ("$.card", {"card": {"no": [SECRET]}}, {"card": "***"}),
        ("$.a.card", {"a": {"card": SECRET}, "card": "b"}, {"a": {"card": "***"}, "card": "b"}),
        ("$.l[*].card", {"l": [{"card": SECRET}, {}, 3]}, {"l": [{"card": "***"}, {}, 3]}),
        ("$.l[1]", {"l": ["card", SECRET]}, {"l": ["card", "***"]}),
        ("$.l[5]", {"l": ["card"]}, {"l": ["card"]}),
        ("$[0].card", [{"card": SECRET}, 1], [{"card": "***"}, 1]),
        ("$[0]", [SECRET, 1], ["***", 1]),
        (
            "$..card",
            {"card": SECRET, "x": [{"card": [0]}]},
            {"card": "***", "x": [{"card": "***"}]},
        ),
        (
            "$..a.card",
            {"x": {"a": {"card": 1}}, "card": 1},
            {"x": {"a": {"card": "***"}}, "card": 1},
        ),
        ("$['the card']", {"the card": SECRET}, {"the card": "***"}),
        ("$.straße", {"straße": SECRET}, {"straße": "***"}),
        ("$.card.no", {"card": "no"}, {"card": "no"}),
    ],
)
@pytest.mark.parametrize("ascii", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("head", [b"", b"\0\0\0\0\x07"])
def test_paths(path: str, body: Any, stored: Any, ascii: bool, encoding: str, head: bytes) -> None:
    if head and encoding != "utf-8":
        return
    given_bytes = head + json.dumps(body, ensure_ascii=ascii).encode(encoding)
    told = BodyMasks([path]).applied(given_bytes)
    assert SECRET.encode() not in told
    assert json.loads(told.removeprefix(head)) == stored
    assert told.startswith(head)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": {"card": "4111-secret"}, "a": {}}',
        b'{"card": "4111-secret", "card": "4111-secret"}',
        b'{"c\\u0061rd": "4111-secret"}',
        b'{"card": "4111-secret"',
        b'{"card": "4111-secret"}\n{"card": "4111-secret"}',
        b'{"card": "4111-secret", "bad": "\xff"}',
        b'{"c\\u0061rd": "4111-secret", "bad": "\xff"}',
        b'\xef\xbb\xbf{"card": "4111-secret",,}',
        b'\0\0\0\0\x07{"card": "4111-secret"',
        b'{"card": "4111-secret", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"card": "4111-secret", "x": ' + b"9" * 5_000 + b"}",
        '{"card": "4111-secret"'.encode("utf-16"),
    ],
)
def test_however_it_is_written(body: bytes) -> None:
    told = BodyMasks(["$.card", "$.a.card"]).applied(body)
    assert b"secret" not in told.replace(b"\0", b"")


@pytest.mark.parametrize(
    "body", [b"", b'{"b": 1.50}', b"text \\ and more", b"\x00\x01\x02\x03\x04\x05", b"\xff" * 9]
)
def test_what_has_nothing_to_mask_stays_as_it_is(body: bytes) -> None:
    assert BodyMasks(["$.card"]).applied(body) == body


def test_what_is_no_json_and_bears_the_name_is_masked_whole() -> None:
    assert BodyMasks(["$.card"]).applied(b"card=4111") == MASK


@pytest.mark.parametrize("path", ["card", "$", "$.", "$..", "$.a[", "$.a[x]", "$.*", ""])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        parse(path)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(SECRET),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["card", "a", "é"]), inner, max_size=3)
    ),
    max_leaves=12,
)


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: "***" if k == "card" else _hidden(v) for k, v in value.items()}
    return [_hidden(one) for one in value] if isinstance(value, list) else value


@given(_JSON, st.booleans())
def test_a_key_at_any_depth(value: Any, ascii: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii).encode()
    assert json.loads(BodyMasks(["$..card"]).applied(body)) == _hidden(value)


@given(st.binary(max_size=60))
def test_bytes_of_any_kind_do_not_stop_it(body: bytes) -> None:
    BodyMasks(["$..card", "$[0]"]).applied(body)
