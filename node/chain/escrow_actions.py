"""Everything that people do with an escrow, as steps. Every call carries the whole terms."""

from dataclasses import dataclass

from node.chain.eip712 import Domain
from node.chain.escrow import AppealTerms, Release, Terms, escrow_domain, escrow_id
from node.chain.permit import NO_PERMIT, SignedPermit, permit_to_sign
from node.chain.steps import Intent, SignatureStep, StepBuilder, TransactionStep, calldata
from node.kernel.hexes import ZERO_ADDRESS, ZERO_HASH, Address, Hash32

NO_APPEAL = AppealTerms(ZERO_ADDRESS, 0, 0)


@dataclass(frozen=True, slots=True)
class EscrowActions:
    steps: StepBuilder

    def id_of(self, terms: Terms) -> Hash32:
        deployment = self.steps.deployment
        return escrow_id(terms, chain_id=deployment.chain_id, escrow=deployment.escrow.address)

    @property
    def domain(self) -> Domain:
        deployment = self.steps.deployment
        return escrow_domain(chain_id=deployment.chain_id, escrow=deployment.escrow.address)

    def fund(
        self, terms: Terms, *, appeal: AppealTerms | None = None, permit: SignedPermit | None = None
    ) -> list[TransactionStep]:
        """With the approval of a token first, unless the buyer signed a permit for it."""
        escrow = self.steps.deployment.escrow
        approval = self.steps.token_approval(
            token=terms.asset, owner=terms.buyer, spender=escrow.address, amount=terms.amount
        )
        value = terms.amount if terms.asset == ZERO_ADDRESS else 0
        words = f"Pay {terms.amount} into escrow"
        if appeal is None and permit is None:
            data = calldata(escrow, "fund", terms.values())
        else:
            more = (appeal or NO_APPEAL).values(), NO_PERMIT if permit is None else permit.values()
            data = calldata(escrow, "fundWith", terms.values(), *more)
        pay = Intent("fund", words, escrow.address, data, value)
        return self.steps.populate(terms.buyer, [pay] if permit else [*approval, pay])

    def sign_permit(self, terms: Terms, *, deadline: int, post_to: str) -> SignatureStep:
        """In the place of an approval. Raises `PermitUnsupported` where the token takes none."""
        escrow = self.steps.deployment.escrow.address
        return SignatureStep(
            action="sign_permit",
            description=f"Let the escrow take {terms.amount} of the token {terms.asset}",
            signer=terms.buyer,
            typed_data=permit_to_sign(
                self.steps.client,
                token=terms.asset,
                owner=terms.buyer,
                spender=escrow,
                amount=terms.amount,
                deadline=deadline,
            ),
            post_to=post_to,
        )

    def ship(self, terms: Terms, *, proof: Hash32 = ZERO_HASH) -> list[TransactionStep]:
        return self._call(terms, terms.seller, "ship", "ship", "Tell that the order was shipped", proof)

    def release(self, terms: Terms) -> list[TransactionStep]:
        return self._call(terms, terms.buyer, "release", "release", "Release the money to the seller")

    def refund(self, terms: Terms) -> list[TransactionStep]:
        return self._call(terms, terms.seller, "refund", "refund", "Give the money back to the buyer")

    def dispute(self, terms: Terms, *, by: Address, evidence: Hash32 = ZERO_HASH) -> list[TransactionStep]:
        return self._call(terms, by, "dispute", "dispute", "Call the arbiter", evidence)

    def add_evidence(self, terms: Terms, *, by: Address, evidence: Hash32) -> list[TransactionStep]:
        return self._call(terms, by, "addEvidence", "add_evidence", "Add evidence to the dispute", evidence)

    def rule(self, terms: Terms, *, to_seller: int, reason: Hash32 = ZERO_HASH) -> list[TransactionStep]:
        """`to_seller` is the seller's part before the fee; the rest goes to the buyer."""
        words = f"Rule: {to_seller} to the seller, the rest to the buyer"
        return self._call(terms, terms.arbiter, "rule", "rule", words, to_seller, reason)

    def refund_expired(self, terms: Terms, *, by: Address) -> list[TransactionStep]:
        words = "Give the money back, as nothing was shipped in time"
        return self._call(terms, by, "refundExpired", "refund_expired", words)

    def release_expired(self, terms: Terms, *, by: Address) -> list[TransactionStep]:
        words = "Release the money, as the inspection is over"
        return self._call(terms, by, "releaseExpired", "release_expired", words)

    def rule_expired(self, terms: Terms, *, by: Address) -> list[TransactionStep]:
        words = "Split as the terms say, as the arbiter stayed silent"
        return self._call(terms, by, "ruleExpired", "rule_expired", words)

    def release_part(self, terms: Terms, *, amount: int) -> list[TransactionStep]:
        words = f"Release {amount} of the money to the seller"
        return self._call(terms, terms.buyer, "releasePart", "release_part", words, amount)

    def refund_part(self, terms: Terms, *, amount: int) -> list[TransactionStep]:
        words = f"Give {amount} of the money back to the buyer"
        return self._call(terms, terms.seller, "refundPart", "refund_part", words, amount)

    def sign_release(self, terms: Terms, release: Release, *, post_to: str) -> SignatureStep:
        return SignatureStep(
            action="sign_release",
            description=f"Let anybody release {release.amount} of the money to the seller",
            signer=terms.buyer,
            typed_data=release.typed_data(self.domain),
            post_to=post_to,
        )

    def release_signed(
        self, terms: Terms, release: Release, *, signature: bytes, by: Address
    ) -> list[TransactionStep]:
        words = f"Release {release.amount} to the seller, as the buyer signed"
        args = (release.amount, release.nonce, release.deadline, signature)
        return self._call(terms, by, "releaseSigned", "release_signed", words, *args)

    def void_signature(self, terms: Terms, *, nonce: int) -> list[TransactionStep]:
        return self.steps.transaction(
            self.steps.deployment.escrow,
            "voidSignature",
            [nonce],
            sender=terms.buyer,
            action="void_signature",
            description="Void what was signed",
        )

    def offer_settlement(self, terms: Terms, *, by: Address, to_seller: int) -> list[TransactionStep]:
        words = f"Offer a split: {to_seller} to the seller, the rest to the buyer"
        return self._call(terms, by, "offerSettlement", "offer_settlement", words, to_seller)

    def withdraw_settlement(self, terms: Terms, *, by: Address) -> list[TransactionStep]:
        words = "Take the offered split back"
        return self._call(terms, by, "withdrawSettlement", "withdraw_settlement", words)

    def accept_settlement(self, terms: Terms, *, by: Address, to_seller: int) -> list[TransactionStep]:
        words = f"Settle: {to_seller} to the seller, the rest to the buyer"
        return self._call(terms, by, "acceptSettlement", "accept_settlement", words, to_seller)

    def appeal(self, terms: Terms, *, by: Address, evidence: Hash32) -> list[TransactionStep]:
        words = "Appeal against the arbiter's ruling"
        return self._call(terms, by, "appeal", "appeal", words, evidence)

    def finish_ruling(self, terms: Terms, *, by: Address) -> list[TransactionStep]:
        words = "Carry out the arbiter's ruling, as nobody changed it in time"
        return self._call(terms, by, "finishRuling", "finish_ruling", words)

    def _call(
        self, terms: Terms, sender: Address, function: str, action: str, description: str, *more: object
    ) -> list[TransactionStep]:
        escrow = self.steps.deployment.escrow
        args = [terms.values(), *more]
        return self.steps.transaction(
            escrow, function, args, sender=sender, action=action, description=description
        )
