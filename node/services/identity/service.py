"""What a wallet proves: that it signed the message of a nonce that this node handed out."""

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select, text, update

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx, rows_touched
from node.kernel.errors import Unauthenticated
from node.kernel.hexes import Address, Hash32, checksummed
from node.services.identity.audit import Act, Audit
from node.services.identity.errors import BadSignature, NonceExpired, NonceForOther, NonceUnknown, NonceUsed
from node.services.identity.message import STATEMENTS, SignInMessage, Site, check_message, parse_message
from node.services.identity.models import Nonce
from node.services.identity.proof import Purpose, WalletProof
from node.services.identity.sessions import Client

NONCE_BYTES = 16
NONCE_KEPT = dt.timedelta(days=1)  # past its expiry: long enough to answer "used" or "expired", not "unknown"
PRUNE_MAX = 5_000

_PRUNE = text("""
    DELETE FROM identity.nonce WHERE nonce IN (
        SELECT nonce FROM identity.nonce WHERE expires_at <= :before ORDER BY expires_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
""")


class SignatureVerifier(Protocol):
    """Asks whether `signature` is one of `address` over `digest`: ECDSA first, then the wallet's contract."""

    def verify(self, *, address: Address, digest: Hash32, signature: bytes) -> bool:
        """May call the chain: never inside a transaction.

        Raises:
            Transient: The chain that had to be asked is away.
        """


@dataclass(frozen=True, slots=True)
class SignInOffer:
    """What a wallet puts into its message, and the whole text where the address is known."""

    nonce: str
    domain: str
    uri: str
    chain_id: int
    statement: str
    issued_at: dt.datetime
    expires_at: dt.datetime

    def text(self, address: Address) -> str:
        return (
            f"{self.domain} wants you to sign in with your Ethereum account:\n{checksummed(address)}\n\n"
            f"{self.statement}\n\n"
            f"URI: {self.uri}\nVersion: 1\nChain ID: {self.chain_id}\nNonce: {self.nonce}\n"
            f"Issued At: {_rfc3339(self.issued_at)}\nExpiration Time: {_rfc3339(self.expires_at)}"
        )


class IdentityService:
    def __init__(
        self,
        clock: Clock,
        verifier: SignatureVerifier,
        audit: Audit,
        *,
        site: Site,
        nonce_life: dt.timedelta,
    ) -> None:
        self._clock = clock
        self._verifier = verifier
        self._audit = audit
        self._site = site
        self._nonce_life = nonce_life

    def offer(self, tx: Tx, purpose: Purpose) -> SignInOffer:
        """Hands out a fresh nonce, which serves for the purpose alone."""
        now = self._clock.now()
        offer = SignInOffer(
            nonce=secrets.token_hex(NONCE_BYTES),
            domain=self._site.domain,
            uri=self._site.uri,
            chain_id=self._site.chain_id,
            statement=STATEMENTS[purpose],
            issued_at=now,
            expires_at=now + self._nonce_life,
        )
        tx.add(Nonce(nonce=offer.nonce, purpose=purpose.value, expires_at=offer.expires_at))
        tx.flush()
        return offer

    def parse(self, text: str) -> SignInMessage:
        """Raises MalformedMessage when the text is not a message of EIP-4361."""
        return parse_message(text)

    def consume_nonce(self, tx: Tx, nonce: str, purpose: Purpose) -> None:
        """First step of a sign-in, in its own transaction: it survives whatever is refused afterwards.

        Raises:
            NonceUnknown, NonceUsed, NonceExpired, NonceForOther: And then nothing was changed.
        """
        now = self._clock.now()
        consumed = tx.execute(
            update(Nonce)
            .where(
                Nonce.nonce == nonce,
                Nonce.purpose == purpose.value,
                Nonce.consumed_at.is_(None),
                Nonce.expires_at > now,
            )
            .values(consumed_at=now)
            .returning(Nonce.nonce)
        ).scalar_one_or_none()
        if consumed is not None:
            return
        known = tx.execute(select(Nonce.consumed_at, Nonce.purpose).where(Nonce.nonce == nonce)).one_or_none()
        if known is None:
            raise NonceUnknown("this node did not hand out that nonce")
        if known.consumed_at is not None:
            raise NonceUsed("the nonce was used already; ask for a new one")
        if known.purpose != purpose:
            raise NonceForOther("the nonce was handed out for something else", expected=purpose.value)
        raise NonceExpired("the nonce has expired; ask for a new one")

    def check(self, message: SignInMessage, signature: bytes) -> None:
        """Second step, outside any transaction: the chain may have to be asked about a contract wallet.

        Raises:
            Unauthenticated: One of its leaves, with the reason.
            Transient: The chain is away and the signature is not that of a plain key.
        """
        check_message(message, self._site, now=self._clock.now())
        if not self._verifier.verify(address=message.address, digest=message.digest, signature=signature):
            raise BadSignature("the signature does not belong to the address of the message")

    def note_refused(
        self,
        tx: Tx,
        message: SignInMessage,
        refusal: Unauthenticated,
        client: Client,
        *,
        account_id: uuid.UUID | None,
    ) -> None:
        """In a transaction of its own, so that it outlives the refusal."""
        subject = f"{WalletProof(message.address).subject} {type(refusal).__name__}"
        self._audit.note(
            tx, Act.SIGN_IN_REFUSED, account_id=account_id, subject=subject, origin=client.origin
        )

    def prune_nonces(self, tx: Tx) -> int:
        """Removes nonces long expired, at most `PRUNE_MAX`; returns how many. The beat calls it."""
        parameters = {"before": self._clock.now() - NONCE_KEPT, "limit": PRUNE_MAX}
        return rows_touched(tx, _PRUNE, parameters)


def _rfc3339(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
