"""Everything that people do with our contracts, each as a list of steps.

A group per noun, each over one `StepBuilder`. Who may do what is the contracts' business: what they would
refuse raises `ExecutionReverted` with the reason in words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from node.chain.artifacts import load_artifact
from node.chain.eip712 import Domain, Listing, exchange_domain
from node.chain.escrow import Terms, escrow_id
from node.chain.steps import Intent, SignatureStep, Step, StepBuilder, TransactionStep, calldata
from node.kernel.hexes import ZERO_ADDRESS, ZERO_HASH, Address, Hash32, to_bytes


@dataclass(frozen=True, slots=True)
class CollectionTerms:
    """What a collection is born with (`ICollection.CollectionTerms`). `max_supply` zero is no cap."""

    name: str
    symbol: str
    contract_uri: str
    royalty_receiver: Address
    royalty_bps: int
    max_supply: int

    def values(self) -> dict[str, Any]:
        """By the contract's field names."""
        return {
            "name": self.name,
            "symbol": self.symbol,
            "contractURI": self.contract_uri,
            "royaltyReceiver": self.royalty_receiver,
            "royaltyBps": self.royalty_bps,
            "maxSupply": self.max_supply,
        }


@dataclass(frozen=True, slots=True)
class CollectionActions:
    steps: StepBuilder

    def predict(self, *, creator: Address, salt: Hash32) -> Address:
        """Where `create` puts the collection."""
        factory = self.steps.deployment.collection_factory
        artifact = load_artifact(factory.artifact)
        return Address(self.steps.client.read(artifact, factory.address, "predict", creator, salt))

    def create(self, *, creator: Address, terms: CollectionTerms, salt: Hash32) -> list[TransactionStep]:
        return self.steps.transaction(
            self.steps.deployment.collection_factory,
            "create",
            [terms.values(), salt],
            sender=creator,
            action="create_collection",
            description=f"Create the collection {terms.name}",
        )

    def mint(self, *, merchant: Address, collection: Address, to: Address, uri: str) -> list[TransactionStep]:
        data = load_artifact("Collection").encode("mint", to, uri)
        return self.steps.populate(merchant, [Intent("mint", f"Mint a token for {to}", collection, data)])


@dataclass(frozen=True, slots=True)
class ExchangeActions:
    steps: StepBuilder

    @property
    def domain(self) -> Domain:
        deployment = self.steps.deployment
        return exchange_domain(chain_id=deployment.chain_id, exchange=deployment.exchange.address)

    def list_token(self, listing: Listing, *, post_to: str) -> list[Step]:
        """The approval of the token if it is missing, then the seller's signature."""
        approval = self.steps.nft_approval(
            collection=listing.collection,
            token_id=listing.token_id,
            owner=listing.seller,
            operator=self.steps.deployment.exchange.address,
        )
        signature = SignatureStep(
            action="sign_listing",
            description=f"Offer token {listing.token_id} for {listing.price}",
            signer=listing.seller,
            typed_data=listing.typed_data(self.domain),
            post_to=post_to,
        )
        return [*self.steps.populate(listing.seller, approval), signature]

    def buy(self, listing: Listing, *, signature: bytes, buyer: Address) -> list[TransactionStep]:
        exchange = self.steps.deployment.exchange
        approval = self.steps.token_approval(
            token=listing.currency, owner=buyer, spender=exchange.address, amount=listing.price
        )
        data = calldata(exchange, "buy", listing.values(), signature)
        value = listing.price if listing.currency == ZERO_ADDRESS else 0
        words = f"Buy token {listing.token_id} for {listing.price}"
        return self.steps.populate(buyer, [*approval, Intent("buy", words, exchange.address, data, value)])

    def cancel(self, *, signer: Address, nonces: Sequence[int]) -> list[TransactionStep]:
        """Voids what was signed with these nonces."""
        function, argument = ("cancel", nonces[0]) if len(nonces) == 1 else ("cancelMany", list(nonces))
        return self._call(signer, function, [argument], "cancel", "Cancel what was signed")

    def cancel_all(self, *, signer: Address) -> list[TransactionStep]:
        return self._call(signer, "cancelAll", [], "cancel_all", "Cancel everything signed so far")

    def withdraw(self, *, account: Address, asset: Address) -> list[TransactionStep]:
        """Money that `account` refused when a sale was paid out."""
        return self._call(account, "withdraw", [account, asset], "withdraw", "Take the money that waits")

    def _call(
        self, sender: Address, function: str, args: Sequence[object], action: str, description: str
    ) -> list[TransactionStep]:
        exchange = self.steps.deployment.exchange
        return self.steps.transaction(
            exchange, function, args, sender=sender, action=action, description=description
        )


@dataclass(frozen=True, slots=True)
class EscrowActions:
    """Every call carries the whole terms; see `node.chain.escrow`."""

    steps: StepBuilder

    def id_of(self, terms: Terms) -> Hash32:
        deployment = self.steps.deployment
        return escrow_id(terms, chain_id=deployment.chain_id, escrow=deployment.escrow.address)

    def fund(self, terms: Terms) -> list[TransactionStep]:
        escrow = self.steps.deployment.escrow
        approval = self.steps.token_approval(
            token=terms.asset, owner=terms.buyer, spender=escrow.address, amount=terms.amount
        )
        value = terms.amount if terms.asset == ZERO_ADDRESS else 0
        words = f"Pay {terms.amount} into escrow"
        data = calldata(escrow, "fund", terms.values())
        return self.steps.populate(
            terms.buyer, [*approval, Intent("fund", words, escrow.address, data, value)]
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

    def _call(
        self, terms: Terms, sender: Address, function: str, action: str, description: str, *more: object
    ) -> list[TransactionStep]:
        escrow = self.steps.deployment.escrow
        args = [terms.values(), *more]
        return self.steps.transaction(
            escrow, function, args, sender=sender, action=action, description=description
        )


class Vote(IntEnum):
    AGAINST = 0
    FOR = 1
    ABSTAIN = 2


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the DAO is to do: calls, in order, and why. Values are wei, calldatas 0x hex."""

    targets: tuple[Address, ...]
    values: tuple[int, ...]
    calldatas: tuple[str, ...]
    description: str

    def id(self) -> int:
        """As the governor counts it: the hash of all of this."""
        calls = [bytes.fromhex(data.removeprefix("0x")) for data in self.calldatas]
        types = ["address[]", "uint256[]", "bytes[]", "bytes32"]
        words = abi_encode(types, [self.targets, self.values, calls, to_bytes(self.description_hash())])
        return int.from_bytes(keccak(words))

    def description_hash(self) -> Hash32:
        return Hash32("0x" + keccak(text=self.description).hex())

    def hashed_args(self) -> list[object]:
        """What `queue`, `execute` and `cancel` take."""
        return [self.targets, self.values, self.calldatas, self.description_hash()]


@dataclass(frozen=True, slots=True)
class GovernanceActions:
    steps: StepBuilder

    def delegate(self, *, holder: Address, to: Address) -> list[TransactionStep]:
        """Votes count only after this, also for oneself."""
        return self.steps.transaction(
            self.steps.deployment.votes_token,
            "delegate",
            [to],
            sender=holder,
            action="delegate",
            description=f"Let {to} vote with your tokens",
        )

    def propose(self, proposal: Proposal, *, proposer: Address) -> list[TransactionStep]:
        args = [proposal.targets, proposal.values, proposal.calldatas, proposal.description]
        return self._call(proposer, "propose", args, "propose", "Make the proposal")

    def vote(
        self, *, voter: Address, proposal_id: int, support: Vote, reason: str = ""
    ) -> list[TransactionStep]:
        args = [proposal_id, int(support), reason]
        words = f"Vote {support.name.lower()} proposal {proposal_id}"
        return self._call(voter, "castVoteWithReason", args, "vote", words)

    def queue(self, proposal: Proposal, *, sender: Address) -> list[TransactionStep]:
        return self._call(sender, "queue", proposal.hashed_args(), "queue", "Queue the proposal")

    def execute(self, proposal: Proposal, *, sender: Address) -> list[TransactionStep]:
        return self._call(sender, "execute", proposal.hashed_args(), "execute", "Execute the proposal")

    def cancel(self, proposal: Proposal, *, proposer: Address) -> list[TransactionStep]:
        """Only while the proposal is pending."""
        return self._call(proposer, "cancel", proposal.hashed_args(), "cancel", "Cancel the proposal")

    def _call(
        self, sender: Address, function: str, args: Sequence[object], action: str, description: str
    ) -> list[TransactionStep]:
        governor = self.steps.deployment.governor
        return self.steps.transaction(
            governor, function, args, sender=sender, action=action, description=description
        )
