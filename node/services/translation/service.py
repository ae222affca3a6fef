"""Setting and removing translations.

Invariant: whoever changes the words of a thing holds the lock on its row, so that the bound on their number
holds and a change is based on what its author saw.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select, text

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.spine.event import Event
from node.kernel.spine.record import EventRecorder
from node.kernel.text import one_line, prose
from node.services.translation.errors import LanguageIsOwn, TooManyTranslations, TranslationUnknown
from node.services.translation.models import Words

LANGUAGES_MAX = 50  # of one market or product

_OWN_LANGUAGE = text("SELECT language FROM market.market WHERE id = :market_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is translated, with its row locked, and within which bounds."""

    table: type[Words]
    thing_id: uuid.UUID
    market_id: uuid.UUID
    title_field: str
    title_chars_max: int
    description_chars_max: int
    stream: str
    changed: Callable[[list[str]], Event]


class TranslationService:
    def __init__(self, clock: Clock, events: EventRecorder) -> None:
        self._clock = clock
        self._events = events

    def put(self, tx: Tx, told: Told, language: str, *, title: str, description: str) -> bool:
        """Sets all words of that language (normalised); whether there were none before.

        Raises:
            TextInvalid: Empty, too long, or with characters that no text needs.
            LanguageIsOwn: The market itself is written in it.
            TooManyTranslations: There are `LANGUAGES_MAX` others.
        """
        title = one_line(title, field=told.title_field, chars_max=told.title_chars_max)
        description = prose(description, field="description", chars_max=told.description_chars_max)
        if tx.execute(_OWN_LANGUAGE, {"market_id": told.market_id}).scalar_one() == language:
            raise LanguageIsOwn("the market's own words are changed where they are", language=language)
        words = tx.get(told.table, {"thing_id": told.thing_id, "language": language})
        is_new = words is None
        if words is None:
            self._require_room(tx, told)
            words = told.table(language=language, thing_id=told.thing_id)
        elif (words.title, words.description) == (title, description):
            return False
        words.title, words.description, words.changed_at = title, description, self._clock.now()
        tx.add(words)
        self._record(tx, told, language)
        return is_new

    def remove(self, tx: Tx, told: Told, language: str) -> None:
        """Raises TranslationUnknown when there is nothing in that language."""
        words = tx.get(told.table, {"thing_id": told.thing_id, "language": language})
        if words is None:
            raise TranslationUnknown("there are no words in that language", language=language)
        tx.delete(words)
        self._record(tx, told, language)

    def _require_room(self, tx: Tx, told: Told) -> None:
        of_thing = select(func.count()).select_from(told.table).where(told.table.thing_id == told.thing_id)
        if tx.execute(of_thing).scalar_one() >= LANGUAGES_MAX:
            raise TooManyTranslations(f"at most {LANGUAGES_MAX} languages", languages_max=LANGUAGES_MAX)

    def _record(self, tx: Tx, told: Told, language: str) -> None:
        tx.flush()
        self._events.record(tx, told.stream, told.changed([f"translations.{language}"]))
