"""What a user's configuration says of their own conventions, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from collector.conventions import names
from collector.conventions.copies import COPYINGS, Copying
from collector.conventions.own import BusinessId, Own
from collector.conventions.profiles import PROFILES, Profile
from collector.conventions.recognise import SAYS
from collector.conventions.render_messages import OWN
from graph.model import CopyKind


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _place(text: str) -> str:
    """A place as the tables write it."""
    names.parse(text)
    return text


def _plain_place(text: str) -> str:
    name = names.parse(text)
    if name.header and name.path:
        raise ValueError("a path in a header's JSON can be an id of [ids] only")
    return text


def _mark(text: str) -> str:
    begins = text.strip().lower()
    if begins.startswith(SAYS):
        if begins == SAYS:
            raise ValueError(f"say which: {SAYS}application/...")
        return begins
    name = names.parse(text)
    if name.header and name.path:
        raise ValueError("a mark is a header, a path of the body, or content-type=...")
    return text


def _header(text: str) -> str:
    if text.strip().lower().startswith(SAYS) or names.parse(text).path:
        raise ValueError("what a copy says is read of headers only")
    return text


def _table_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", text):
        raise ValueError("a name is made of small letters, digits, dots and dashes")
    return text


def _profile_name(text: str) -> str:
    if any(_table_name(text) == profile.name for profile in PROFILES):
        raise ValueError(f"{text} is a profile that flowtap has")
    return text


def _copy_name(text: str) -> str:
    if any(_table_name(text) == copying.name for copying in COPYINGS):
        raise ValueError(f"{text} is a kind of copies that flowtap has")
    return text


def _id_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", text):
        raise ValueError("a name begins with a letter, and goes on with such, digits, _, . and -")
    return text


Place = Annotated[str, AfterValidator(_place)]
PlainPlace = Annotated[str, AfterValidator(_plain_place)]
Places = Annotated[tuple[PlainPlace, ...], BeforeValidator(_listed), Field(max_length=OWN)]
Mark = Annotated[str, AfterValidator(_mark)]
Header = Annotated[str, AfterValidator(_header)]
Headers = Annotated[tuple[Header, ...], BeforeValidator(_listed), Field(max_length=OWN)]
Together = Annotated[tuple[Mark, ...], Field(min_length=1)]

Ids = Mapping[
    Annotated[str, AfterValidator(_id_name)],
    Annotated[tuple[Place, ...], BeforeValidator(_listed), Field(min_length=1)],
]
"""Business ids by name: the places where messages carry them."""


class ProfileSettings(BaseModel):
    """How messages of the user's own framework are recognised, and where they say what."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, AfterValidator(_profile_name)]
    marks: Annotated[tuple[Mark | Together, ...], Field(min_length=1)]
    """Any of them is enough; those in a list only together."""
    message_id: Places = ()
    event_type: Places = ()
    source: Places = ()
    causation_id: Places = ()
    correlation_id: Places = ()
    alias: Places = ()
    unread: Annotated[tuple[PlainPlace, ...], BeforeValidator(_listed)] = ()
    """Headers whose plain meaning would mislead."""

    def profile(self) -> Profile:
        """As a row of the table."""
        return Profile(
            self.name,
            marks=self.marks,
            message_id=self.message_id,
            event_type=self.event_type,
            source=self.source,
            causation_id=self.causation_id,
            correlation_id=self.correlation_id,
            alias=self.alias,
            unread=self.unread,
        )


class CopySettings(BaseModel):
    """How the user's own code puts messages somewhere a second time, and what those say of their
    originals: in headers, numbers as text or as big-endian bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, AfterValidator(_copy_name)]
    kind: CopyKind
    marks: Annotated[
        tuple[Header | Annotated[tuple[Header, ...], Field(min_length=1)], ...],
        Field(min_length=1),
    ]
    """Any of them is enough; those in a list only together."""
    destination: Headers = ()
    partition: Headers = ()
    offset: Headers = ()
    message_id: Headers = ()
    consumer: Headers = ()
    """The service or the consumer group that made the copy."""
    attempt: Headers = ()
    error_type: Headers = ()
    error_message: Headers = ()

    def copying(self) -> Copying:
        """As a row of the table."""
        return Copying(**dict(self))


def own(
    ids: Ids,
    profiles: tuple[ProfileSettings, ...] = (),
    copies: tuple[CopySettings, ...] = (),
) -> Own:
    """The user's conventions."""
    return Own(
        profiles=tuple(one.profile() for one in profiles),
        ids=tuple(BusinessId(name, tuple(places)) for name, places in ids.items()),
        copies=tuple(one.copying() for one in copies),
    )
