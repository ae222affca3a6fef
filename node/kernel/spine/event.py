"""The base of payload types and their registry. Types live in `node.events`, a file per noun."""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
from typing_extensions import override

from node.kernel.errors import Bug

Payload = dict[str, Any]
Upcaster = Callable[[Payload], Payload]

_TYPES: dict[str, type["Event"]] = {}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact in the past tense. Subclass with `type_name` (`order.placed`) and `schema_version`.

    `upcasters[n]` lifts a stored payload of version n to version n + 1. Amounts are decimal strings.
    """

    type_name: ClassVar[str]
    schema_version: ClassVar[int] = 1
    upcasters: ClassVar[Mapping[int, Upcaster]] = {}

    @override
    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        name = cls.__dict__.get("type_name")
        if name is None:
            return
        if name in _TYPES and _TYPES[name].__qualname__ != cls.__qualname__:
            raise Bug("two event types share a name", type_name=name)
        _TYPES[name] = cls


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the spine keeps it. `position` orders all events; `version` orders its stream."""

    id: uuid.UUID
    position: int
    stream: str
    version: int
    type_name: str
    schema_version: int
    payload: Payload
    occurred_at: dt.datetime

    def decode(self) -> Event:
        """The typed payload, lifted to the newest version of its type."""
        event_type = _TYPES.get(self.type_name)
        if event_type is None:
            raise Bug("an event of an unknown type", type_name=self.type_name)
        payload = self.payload
        for version in range(self.schema_version, event_type.schema_version):
            payload = event_type.upcasters[version](payload)
        return msgspec.convert(payload, event_type)


def known_types() -> Mapping[str, type[Event]]:
    return _TYPES
