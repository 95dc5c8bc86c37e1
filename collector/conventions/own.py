"""What a user adds to the tables: their own profiles and copies, and the ids of their business."""

from __future__ import annotations

from dataclasses import dataclass

from collector.conventions.copies import Copying
from collector.conventions.profiles import Profile


@dataclass(frozen=True, slots=True)
class BusinessId:
    """An id of the business: `order_id`, and where messages carry it."""

    name: str
    places: tuple[str, ...]
    """Names as in `names`; every value that is found there is an id."""


@dataclass(frozen=True, slots=True)
class Own:
    """A user's own conventions. Their profiles and copies are recognised before those of the
    tables."""

    profiles: tuple[Profile, ...] = ()
    ids: tuple[BusinessId, ...] = ()
    copies: tuple[Copying, ...] = ()
