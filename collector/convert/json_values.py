"""JSON as exporters write it, into the values that protobuf takes; Malformed says what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from collector.convert.result import Malformed

UINT64_MAX = (1 << 64) - 1

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_SHOWN = 60


def load(body: bytes) -> Any:
    """The JSON value in the body. Raises Malformed."""
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error}") from None
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise Malformed("not JSON: nested too deeply") from None
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from None


def mapping(value: object, name: str) -> Mapping[str, Any]:
    """An object; null and absent are an empty one."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise unexpected(value, name, "an object")


def items(value: object, name: str) -> list[Any]:
    """An array; null and absent are an empty one."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise unexpected(value, name, "an array")


def text(value: object, name: str) -> str:
    """A string; null and absent are the empty one."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise unexpected(value, name, "a string")


def integer(value: object, name: str, low: int, high: int) -> int:
    """A number or a decimal string, as protobuf's JSON writes 64-bit numbers; absent is 0."""
    if value is None:
        return 0
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif (isinstance(value, float) and value.is_integer()) or (
        isinstance(value, str) and _INTEGER.fullmatch(value)
    ):
        number = int(value)
    if number is None:
        raise unexpected(value, name, "an integer")
    if not low <= number <= high:
        raise Malformed(f"{name}: {number} is not between {low} and {high}")
    return number


def unexpected(value: object, name: str, wanted: str) -> Malformed:
    """What to raise for a value of another type than wanted."""
    if isinstance(value, (dict, list)):
        shown = "an object" if isinstance(value, dict) else "an array"
    else:
        shown = repr(value)
        if len(shown) > _SHOWN:
            shown = shown[:_SHOWN] + "…"
    return Malformed(f"{name}: expected {wanted}, found {shown}")


def without_lone_surrogates(value: Any) -> Any:
    """The same value with halves of surrogate pairs replaced, as UTF-8 has no place for them.

    JavaScript makes them when it cuts a string; a whole batch is not lost for that.
    """
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [without_lone_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {
            without_lone_surrogates(key): without_lone_surrogates(item)
            for key, item in value.items()
        }
    return value
