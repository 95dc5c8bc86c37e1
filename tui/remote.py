"""A collector asked by HTTP: `http.client` only, because a command's start counts."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from graph.chain.result import Chain
from graph.direction import Direction
from graph.edges import View
from graph.fate.result import Fates
from graph.filter import written
from graph.findings.model import Findings
from graph.findings.wanted import Wanted
from graph.gaps import Gap
from graph.listing import Activity, Consumer, EventFilter, Listing
from graph.model import Evidence
from graph.payloads import Payloads
from graph.series import MinuteCount
from graph.table import Table, table_from_dict
from graph.topology import NodeKey, Topology
from graph.wire.chain import chain_from_dict
from graph.wire.fate import fates_from_dict
from graph.wire.findings import findings_from_dict
from graph.wire.gaps import gap_from_dict
from graph.wire.listing import (
    activity_from_dict,
    candidate_from_dict,
    consumer_from_dict,
    listing_from_dict,
)
from graph.wire.payloads import payloads_from_dict
from graph.wire.topology import minute_from_dict, topology_from_dict
from tui.question import waiting
from tui.source import (
    PREFIX,
    Address,
    Ambiguous,
    BadRequest,
    CollectorAway,
    NotFound,
    SourceFailed,
    Unauthorised,
)

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")

SIGNATURE = "Flowtap-Version"
"""Every answer of a collector carries this header."""

PIECE = 65_536
"""Bytes of a stream that are read at once, at most."""

TOKEN_HINT = "Set FLOWTAP_API_TOKEN to the collector's api.token."


class ApiClient:
    """A `Source` that asks a collector's API. Thread-safe: a connection for each question."""

    live = True

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        timeout: float = 60.0,
        ca_file: str = "",
        certificate: str = "",
    ) -> None:
        """`url` is http(s)://HOST:PORT. With https the collector shows a certificate of the
        system's authorities, or of those in `ca_file` (PEM), for that host; or it shows just
        `certificate`, and its host does not matter. Raises BadRequest when it is no such URL or
        file."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadRequest(f"{url} is no URL of a collector", "Write http://HOST:PORT.")
        self.url = url.rstrip("/")
        self._parts = parts
        self._timeout = timeout
        self._tls = _tls(ca_file, certificate) if parts.scheme == "https" else None
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    @property
    def name(self) -> str:
        return self.url

    @property
    def address(self) -> Address:
        return Address(url=self.url)

    def chain(
        self,
        text: str,
        *,
        direction: Direction = Direction.BOTH,
        depth: int | None = None,
        limit: int | None = None,
        seconds: float | None = None,
        explained: bool = False,
    ) -> Chain:
        asked = {"direction": direction.value, "depth": depth, "limit": limit, "seconds": seconds}
        if explained:
            asked["explain"] = "true"
        return self._ask(f"/chain/{quote(text, safe='/')}", asked, chain_from_dict)

    def fate(self, text: str) -> Fates:
        return self._ask(f"/fate/{quote(text, safe='/')}", {}, fates_from_dict)

    def topology(
        self,
        *,
        start: int = 0,
        end: int = 0,
        services: Sequence[str] = (),
        destinations: Sequence[str] = (),
        event_types: Sequence[str] = (),
        environments: Sequence[str] = (),
        evidence: Sequence[Evidence] = (),
        view: View = View.DESTINATIONS,
        limit: int | None = None,
    ) -> Topology:
        asked = {
            "from": _moment(start),
            "to": _moment(end),
            "service": tuple(services),
            "destination": tuple(destinations),
            "type": tuple(event_types),
            "environment": tuple(environments),
            "evidence": tuple(evidence),
            "view": None if view is View.DESTINATIONS else view,
            "limit": limit,
        }
        return self._ask("/topology", asked, topology_from_dict)

    def payloads(self, *, start: int, end: int = 0) -> Payloads:
        asked = {"from": _moment(start), "to": _moment(end)}
        return self._ask("/payloads", asked, payloads_from_dict)

    def minutes(self, node: NodeKey, *, start: int, end: int = 0) -> list[MinuteCount]:
        asked = {**node._asdict(), "from": _moment(start), "to": _moment(end)}
        return self._ask(
            "/topology/series",
            asked,
            lambda said: [minute_from_dict(one) for one in said["minutes"]],
        )

    def events(self, wanted: EventFilter) -> Listing:
        asked = {
            **_filter(wanted),
            "from": _moment(wanted.since),
            "to": _moment(wanted.until),
            "limit": wanted.limit,
            "order": "oldest" if wanted.oldest else None,
        }
        return self._ask("/events", asked, listing_from_dict)

    def consumers(self) -> list[Consumer]:
        return self._ask(
            "/consumers", {}, lambda said: [consumer_from_dict(one) for one in said["consumers"]]
        )

    def findings(self, wanted: Wanted) -> Findings:
        asked = {
            "from": _moment(wanted.since),
            "to": _moment(wanted.until),
            "kind": tuple(kind.value for kind in wanted.kinds),
            "service": wanted.services,
            "destination": wanted.destinations,
            "state": wanted.state.value if wanted.state else None,
            "muted": "true" if wanted.muted else None,
            "limit": wanted.limit,
        }
        return self._ask("/findings", asked, findings_from_dict)

    def gaps(self) -> list[Gap]:
        return self._ask("/gaps", {}, lambda said: [gap_from_dict(one) for one in said["gaps"]])

    def sql(self, text: str, limit: int) -> Table:
        body = json.dumps({"query": text, "limit": limit})
        return self._ask("/sql", {}, table_from_dict, body=body)

    def health(self) -> Mapping[str, Any]:
        return self._ask("/health", {}, lambda said: said)

    def prune(self, *, days: int | None, most: int | None, dry_run: bool) -> Mapping[str, Any]:
        wanted = {"older_than_days": days, "to_bytes": most, "dry_run": dry_run}
        return self._ask("/prune", {}, lambda said: said, body=json.dumps(wanted))

    def follow(self, wanted: EventFilter, *, listed: bool = False) -> Stream:
        asked = {**_filter(wanted), "listed": "true" if listed else None}
        connection = self._connected()
        answer = self._open(connection, "/tail", asked)
        if answer.status != 200:
            with contextlib.closing(connection):
                self._refused(answer.status, answer.read())
        return Stream(connection, answer)

    def close(self) -> None:
        """Nothing stays open between questions."""

    def _ask(
        self,
        path: str,
        asked: Mapping[str, object],
        read: Callable[[Any], T],
        *,
        body: str | None = None,
    ) -> T:
        with contextlib.closing(self._connected()) as connection:
            sock = connection.sock
            with waiting(lambda: _hang_up(sock)):
                answer = self._open(connection, path, asked, body)
                try:
                    told = answer.read()
                except (OSError, http.client.HTTPException) as error:
                    raise self._away(error) from error
        if answer.status != 200:
            self._refused(answer.status, told)
        try:
            return read(json.loads(told))
        except (ValueError, KeyError, TypeError) as error:
            raise SourceFailed(
                f"the answer of {self.url}{path} cannot be read: {error!r}",
                f"It runs version {answer.headers[SIGNATURE]}: use the same one here.",
            ) from error

    def _open(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        asked: Mapping[str, object],
        body: str | None = None,
    ) -> http.client.HTTPResponse:
        """The answer's head; the connection is closed when it is none of a collector's."""
        given = {name: value for name, value in asked.items() if value not in (None, "", ())}
        query = f"?{urlencode(given, doseq=True)}" if given else ""
        try:
            address = f"{self._parts.path.rstrip('/')}{PREFIX}{path}{query}"
            if body is None:
                connection.request("GET", address, headers=self._headers)
            else:
                headers = {**self._headers, "Content-Type": "application/json"}
                connection.request("POST", address, body, headers)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._away(error) from error
        if answer.headers.get(SIGNATURE) is None:
            connection.close()
            raise CollectorAway(
                f"what answers at {self.url} is no flowtap collector",
                "flowtap doctor says which one runs; flowtap up starts one.",
            )
        return answer

    def _connected(self) -> http.client.HTTPConnection:
        host, port, timeout = self._parts.hostname or "", self._parts.port, self._timeout
        connection = (
            http.client.HTTPConnection(host, port, timeout=timeout)
            if self._tls is None
            else http.client.HTTPSConnection(host, port, timeout=timeout, context=self._tls)
        )
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise self._away(error) from error
        return connection

    def _away(self, error: Exception) -> CollectorAway:
        reason = "no answer in time" if isinstance(error, TimeoutError) else str(error)
        return CollectorAway(
            f"no collector answers at {self.url}: {reason or type(error).__name__}",
            "Is it running? flowtap up starts one.",
        )

    def _refused(self, status: int, body: bytes) -> None:
        """Raises the error that an answer tells."""
        try:
            said = json.loads(body)
            detail, hint = str(said["detail"]), str(said.get("hint", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            said, detail, hint = {}, f"{self.url} answered {status}", ""
        if status in (401, 403):
            raise Unauthorised(detail, TOKEN_HINT if status == 401 else hint)
        if status == 300:
            candidates = [candidate_from_dict(one) for one in said["candidates"]]
            raise Ambiguous(detail, candidates, hint)
        if status == 404:
            raise NotFound(detail, hint)
        if 400 <= status < 500:
            raise BadRequest(detail, hint)
        raise SourceFailed(detail, hint)


class Stream:
    """Server-sent events of /tail, as `Following`."""

    def __init__(
        self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse
    ) -> None:
        self.missed = 0
        self._connection = connection
        self._answer = answer

    def __iter__(self) -> Iterator[Activity]:
        rest = b""
        try:
            # In pieces as they come: line by line would cost more than what is in them.
            while piece := self._answer.read1(PIECE):
                *told, rest = (rest + piece).split(b"\n\n")
                for one in told:
                    yield from self._activity(one.decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException, ValueError):
            return
        finally:
            self._connection.close()

    def _activity(self, told: str) -> Iterator[Activity]:
        """What one server-sent event tells."""
        name = data = ""
        for line in told.split("\n"):
            field, _, value = line.partition(":")
            if field == "event":
                name = value.strip()
            elif field == "data":
                data += value.removeprefix(" ")
        if name == "missed":
            self.missed += int(json.loads(data)["count"])
        elif data:
            yield activity_from_dict(json.loads(data))

    def close(self) -> None:
        if self._connection.sock is not None:
            _hang_up(self._connection.sock)


def _hang_up(sock: socket.socket) -> None:
    """Wakes the thread that reads; closing alone would not."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _tls(ca_file: str, certificate: str) -> ssl.SSLContext:
    """Whom to trust."""
    import ssl

    trusted = certificate or ca_file
    try:
        context = ssl.create_default_context(cafile=trusted or None)
    except (OSError, ValueError) as error:
        raise BadRequest(
            f"cannot use the certificates in {trusted}: {error}", "It must be a file in PEM."
        ) from None
    if certificate:
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _filter(wanted: EventFilter) -> dict[str, object]:
    return {
        "q": written(EventFilter(terms=wanted.terms)),
        "destination": wanted.destination,
        "type": wanted.event_type,
        "key": wanted.key,
        "service": wanted.service,
        "environment": wanted.environment,
    }


def _moment(time: int) -> str | None:
    """Nanoseconds as the API reads them: a number's length tells its unit. None is no bound."""
    return f"{time:019}" if time else None
