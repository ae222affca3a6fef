"""One tree of exceptions; none of them knows HTTP.

    AsoudError
    ├── Refused              the caller can mend it; nothing changed
    │   ├── Invalid          the input does not say what it must
    │   ├── Unauthenticated  we don't know who asks
    │   ├── Forbidden        we know, and they may not
    │   ├── NotFound
    │   └── Conflict         right input, wrong moment: state or version moved on
    ├── Transient            try again later; only these are ever retried
    └── Bug                  an invariant is broken: page a person

Nouns add leaves beside their services. `api/errors.py` maps each leaf to a status and a stable code.
"""


class AsoudError(Exception):
    """A message for a person and public fields for a program; neither may hold a secret."""

    def __init__(self, message: str, **fields: str | int | bool | None) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields


class Refused(AsoudError):
    """The caller can mend it. Nothing was changed."""


class Invalid(Refused):
    """The input does not say what it must."""


class Unauthenticated(Refused):
    """Nobody, or nobody that we believe, asks."""


class Forbidden(Refused):
    """The caller is known and may not do this."""


class NotFound(Refused):
    """There is no such thing, or the caller may not know of it."""


class Conflict(Refused):
    """The request is well formed, but state has moved on or forbids it now."""


class Transient(AsoudError):
    """Trying again later can succeed. Carries `retry_after_s` where it is known."""


class Bug(AsoudError):
    """An invariant of ours is broken; trying again will not help."""
