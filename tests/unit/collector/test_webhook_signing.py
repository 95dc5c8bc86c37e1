"""Signatures are those that others make and check, and a key that is none is told as such."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from collector.webhook.signing import BadKey, headers, key_of
from tests.receiving import KEY, SECRET


def test_the_signature_is_the_published_one() -> None:
    # The example that libraries of Standard Webhooks are tested with.
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers(key, id, 1614265330, b'{"test": 2432232314}') == {
        "webhook-id": id,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_key_is_read_as_it_was_written() -> None:
    assert key_of(SECRET) == KEY


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        SECRET.removeprefix("whsec_"),
        "whsec_not base64 at all!!",
        "whsec_Größe",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
    ],
)
def test_what_is_no_key_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(BadKey) as error:
        key_of(secret)
    assert "openssl rand -base64 32" in str(error.value)
    assert not secret[6:] or secret[6:] not in str(error.value)


def test_what_the_page_tells_receivers_to_do_verifies_it() -> None:
    page = (Path(__file__).parents[3] / "docs/findings.md").read_text(encoding="utf-8")
    said = page.partition("```python\n")[2].partition("```")[0]
    known = {"base64": base64, "hashlib": hashlib, "hmac": hmac, "time": time, "Mapping": Mapping}
    exec(said, known)
    verify: Callable[[str, Mapping[str, str], bytes], bool] = known["verify"]  # type: ignore[assignment]
    now = int(time.time())
    sent = headers(KEY, "finding-1", now, b"{}")
    assert verify(SECRET, sent, b"{}")
    assert not verify(SECRET, sent, b"{ }")
    assert not verify(SECRET, {**sent, "webhook-id": "finding-2"}, b"{}")
    assert not verify(SECRET, headers(bytes(32), "finding-1", now, b"{}"), b"{}")
    assert not verify(SECRET, headers(KEY, "finding-1", now - 600, b"{}"), b"{}"), (
        "recorded, replayed"
    )
