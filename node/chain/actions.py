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
from node.chain.ballot import Ballot, governor_domain
from node.chain.deployments import DeployedContract
from node.chain.eip712 import Domain, Listing, exchange_domain
from node.chain.steps import Intent, SignatureStep, Step, StepBuilder, TransactionStep, calldata
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32, to_bytes


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

    def _call(
        self, sender: Address, function: str, args: Sequence[object], action: str, description: str
    ) -> list[TransactionStep]:
        exchange = self.steps.deployment.exchange
        return self.steps.transaction(
            exchange, function, args, sender=sender, action=action, description=description
        )


@dataclass(frozen=True, slots=True)
class PayoutActions:
    """What every contract that pays out does with money that its receiver refused (`IPayouts`)."""

    steps: StepBuilder

    def withdraw(
        self, contract: DeployedContract, *, account: Address, asset: Address, to: Address | None = None
    ) -> list[TransactionStep]:
        """To the account itself, or to another address where that one cannot receive."""
        function, args = ("withdraw", [account, asset]) if to is None else ("withdrawTo", [to, asset])
        words = "Take the money that waits"
        return self.steps.transaction(
            contract, function, args, sender=account, action="withdraw", description=words
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

    @property
    def domain(self) -> Domain:
        deployment = self.steps.deployment
        return governor_domain(chain_id=deployment.chain_id, governor=deployment.governor.address)

    def sign_vote(self, ballot: Ballot, *, post_to: str) -> SignatureStep:
        return SignatureStep(
            action="sign_vote",
            description=f"Vote {Vote(ballot.support).name.lower()} proposal {ballot.proposal_id}",
            signer=ballot.voter,
            typed_data=ballot.typed_data(self.domain),
            post_to=post_to,
        )

    def cast_ballot(self, ballot: Ballot, *, signature: bytes, by: Address) -> list[TransactionStep]:
        args = [ballot.proposal_id, ballot.support, ballot.voter, signature]
        words = f"Bring the vote that {ballot.voter} signed"
        return self._call(by, "castVoteBySig", args, "cast_ballot", words)

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
