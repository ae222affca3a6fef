"""Words of a party that back a step on the chain: tracking, evidence, the reasons of a ruling.

The text stays here, for the parties of the order alone. On the chain goes keccak256(salt ++ text in UTF-8):
with the random salt of 32 bytes not even a short tracking number can be guessed from it, and each party can
prove to anybody what was said.
"""

import enum
import secrets
import uuid
from dataclasses import dataclass

from eth_utils.crypto import keccak
from sqlalchemy import func, select

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import Hash32, hash_from_bytes
from node.kernel.ids import new_id
from node.kernel.text import prose
from node.services.order.errors import TooManyStatements
from node.services.order.models import Order, Statement
from node.services.order.states import Role

TEXT_CHARS_MAX = 4_000
SALT_BYTES = 32
STATEMENTS_MAX = 20  # per order and party: an unsent step costs nothing, so something has to bound them


class Kind(enum.StrEnum):
    TRACKING = "tracking"
    EVIDENCE = "evidence"
    RULING = "ruling"


@dataclass(frozen=True, slots=True)
class Words:
    """What a party says with a step."""

    kind: Kind
    text: str


def digest_of(salt: bytes, text: str) -> Hash32:
    return hash_from_bytes(keccak(salt + text.encode()))


class Statements:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def say(self, tx: Tx, order: Order, *, kind: Kind, author: Role, text: str) -> Hash32:
        """Keeps the text and returns its hash; the same words again give the same hash. `order` is locked.

        Raises:
            TextInvalid: The text is too long or holds odd characters.
            TooManyStatements: The party has said all it may.
        """
        text = prose(text, field=kind.value, chars_max=TEXT_CHARS_MAX)
        mine = (Statement.order_id == order.id, Statement.author == author.value)
        said = select(Statement.digest).where(*mine, Statement.kind == kind.value, Statement.text == text)
        digest = tx.execute(said.limit(1)).scalar_one_or_none()
        if digest is not None:
            return digest
        if tx.execute(select(func.count()).where(*mine)).scalar_one() >= STATEMENTS_MAX:
            raise TooManyStatements("enough was said about this order", most=STATEMENTS_MAX)
        return self._keep(tx, order.id, kind=kind, author=author, text=text)

    def _keep(self, tx: Tx, order_id: uuid.UUID, *, kind: Kind, author: Role, text: str) -> Hash32:
        salt = secrets.token_bytes(SALT_BYTES)
        statement = Statement(
            id=new_id(),
            order_id=order_id,
            kind=kind.value,
            author=author.value,
            text=text,
            salt=salt,
            digest=digest_of(salt, text),
            said_at=self._clock.now(),
        )
        tx.add(statement)
        tx.flush()
        return statement.digest
