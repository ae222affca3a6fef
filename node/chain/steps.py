"""What a person's wallet has to do, as data: `steps[]`, in order, each a transaction or a signature.

The node prepares and the wallet signs; no key of a person comes here. Shapes in JSON:

    {"kind": "transaction", "action": "buy", "description": "...",
     "transaction": {"chain_id": 31337, "from": "0x..", "to": "0x..", "data": "0x..", "value": "10",
                     "gas": 210000, "gas_source": "estimated", "nonce": 7,
                     "max_fee_per_gas": "3000000000", "max_priority_fee_per_gas": "1000000000"}}

    {"kind": "signature", "action": "sign_listing", "description": "...",
     "signature": {"signer": "0x..", "typed_data": {...},
                   "post_to": {"method": "POST", "path": "/v1/...", "field": "signature"}}}

Money is in decimal strings of the smallest unit. `typed_data` is the argument of `eth_signTypedData_v4`; the
signature goes to `post_to` in the named field. `gas_source` says where the limit comes from: `estimated` by
the chain, `simulated` after the steps before it, or `assumed`, when the chain's server cannot simulate.
Nonces count up within one list, so a list is signed and sent in its order; a wallet may choose its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from node.chain.artifacts import Artifact, load_artifact
from node.chain.client import Call, ChainClient, Fee, Read
from node.chain.deployments import DeployedContract, Deployment
from node.chain.errors import ExecutionReverted, InsufficientNativeFunds
from node.kernel.clock import Clock
from node.kernel.errors import Conflict
from node.kernel.hexes import ZERO_ADDRESS, Address

# The state may move between the estimate and the block.
MARGIN_PERCENT = 120
# A simulation tells the gas after refunds (a fifth at most) and nothing of what inner calls must have left.
SIMULATED_PERCENT = 130
SIMULATED_EXTRA = 80_000
# Above every settlement of ours; what is not used is not paid.
ASSUMED_GAS = 600_000


class InsufficientTokenFunds(Conflict):
    """The payer has too little of a token."""


class GasSource(StrEnum):
    ESTIMATED = "estimated"
    SIMULATED = "simulated"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class TransactionStep:
    """A populated transaction. Money is wei; `data` is 0x hex."""

    action: str
    description: str
    chain_id: int
    sender: Address
    to: Address
    data: str
    value: int
    gas: int
    gas_source: GasSource
    nonce: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int

    def to_json(self) -> dict[str, Any]:
        transaction = {
            "chain_id": self.chain_id,
            "from": self.sender,
            "to": self.to,
            "data": self.data,
            "value": str(self.value),
            "gas": self.gas,
            "gas_source": self.gas_source.value,
            "nonce": self.nonce,
            "max_fee_per_gas": str(self.max_fee_per_gas),
            "max_priority_fee_per_gas": str(self.max_priority_fee_per_gas),
        }
        return {
            "kind": "transaction",
            "action": self.action,
            "description": self.description,
            "transaction": transaction,
        }


@dataclass(frozen=True, slots=True)
class SignatureStep:
    """Typed data to sign, and the endpoint that wants the signature in `field`."""

    action: str
    description: str
    signer: Address
    typed_data: dict[str, Any]
    post_to: str
    field: str = "signature"

    def to_json(self) -> dict[str, Any]:
        post_to = {"method": "POST", "path": self.post_to, "field": self.field}
        return {
            "kind": "signature",
            "action": self.action,
            "description": self.description,
            "signature": {"signer": self.signer, "typed_data": self.typed_data, "post_to": post_to},
        }


Step = TransactionStep | SignatureStep


@dataclass(frozen=True, slots=True)
class Intent:
    """A transaction that somebody is to send, before gas and nonce are known."""

    action: str
    description: str
    to: Address
    data: str
    value: int = 0
    spare_gas: int = 0  # that the contract wants to see left beyond what it uses; an estimate finds it itself


class StepBuilder:
    """Turns intents into steps: gas, nonces and fees filled in, and refused when the chain would refuse.

    Goes over the network, so it is called before a database transaction opens.
    """

    def __init__(self, client: ChainClient, deployment: Deployment, clock: Clock) -> None:
        self.client = client
        self.deployment = deployment
        self._clock = clock

    def transaction(
        self,
        contract: DeployedContract,
        function: str,
        args: Sequence[object],
        *,
        sender: Address,
        action: str,
        description: str,
        value: int = 0,
    ) -> list[TransactionStep]:
        """One call of one of our contracts."""
        intent = Intent(action, description, contract.address, calldata(contract, function, *args), value)
        return self.populate(sender, [intent])

    def populate(self, sender: Address, intents: Sequence[Intent]) -> list[TransactionStep]:
        """Raises `ExecutionReverted` with the reason, or `InsufficientNativeFunds`; empty in, empty out."""
        if not intents:
            return []
        gas = self._gas(sender, intents)
        fee = self.client.fee()
        self._check_funds(sender, intents, gas, fee)
        first_nonce = self.client.nonce(sender)
        return [
            TransactionStep(
                action=intent.action,
                description=intent.description,
                chain_id=self.client.chain_id,
                sender=sender,
                to=intent.to,
                data=intent.data,
                value=intent.value,
                gas=limit,
                gas_source=source,
                nonce=first_nonce + place,
                max_fee_per_gas=fee.max_fee,
                max_priority_fee_per_gas=fee.max_priority_fee,
            )
            for place, (intent, (limit, source)) in enumerate(zip(intents, gas, strict=True))
        ]

    # Approvals

    def token_approval(
        self, *, token: Address, owner: Address, spender: Address, amount: int, besides: int = 0
    ) -> list[Intent]:
        """ERC-20: the exact amount, nothing when the allowance is enough or the asset is the native coin.

        `besides` is what the allowance has to leave for other promises; it need not be there now.

        Some tokens refuse to move a standing allowance to another one; those are set to zero first.
        """
        if token == ZERO_ADDRESS:
            return []
        erc20 = load_artifact("IERC20Metadata")
        balance, allowance = self._read_all(
            Read(erc20, token, "balanceOf", (owner,)), Read(erc20, token, "allowance", (owner, spender))
        )
        if balance < amount:
            raise InsufficientTokenFunds(
                "the payer has too little of the token", token=token, have=str(balance), need=str(amount)
            )
        amount += besides
        if allowance >= amount:
            return []
        approve = _approval(erc20, token, spender, amount)
        if allowance and self._refuses(owner, approve):
            return [_approval(erc20, token, spender, 0), approve]
        return [approve]

    def nft_approval(
        self, *, collection: Address, token_id: int, owner: Address, operator: Address
    ) -> list[Intent]:
        """ERC-721: for this one token; nothing when the operator may move it already."""
        erc721 = load_artifact("IERC721Metadata")
        approved, for_all = self._read_all(
            Read(erc721, collection, "getApproved", (token_id,)),
            Read(erc721, collection, "isApprovedForAll", (owner, operator)),
        )
        if for_all or approved == operator:
            return []
        data = erc721.encode("approve", operator, token_id)
        return [Intent("approve_nft", f"Let {operator} move token {token_id}", collection, data)]

    def _read_all(self, *reads: Read) -> list[Any]:
        answers = self.client.read_many(reads)
        for answer in answers:
            if isinstance(answer, ExecutionReverted):
                raise answer
        return answers

    def _refuses(self, sender: Address, intent: Intent) -> bool:
        try:
            self.client.estimate_gas(_call(sender, intent))
        except ExecutionReverted:
            return True
        return False

    # Gas

    def _gas(self, sender: Address, intents: Sequence[Intent]) -> list[tuple[int, GasSource]]:
        """The first stands on the chain as it is; later ones need what those before them do."""
        calls = [_call(sender, intent) for intent in intents]
        first = (self.client.estimate_gas(calls[0]) * MARGIN_PERCENT // 100, GasSource.ESTIMATED)
        spare = [intent.spare_gas for intent in intents[1:]]
        return [first, *self._later_gas(calls, spare)] if len(calls) > 1 else [first]

    def _later_gas(self, calls: Sequence[Call], spare: Sequence[int]) -> list[tuple[int, GasSource]]:
        outcomes = self.client.simulate(calls, timestamp=self._next_timestamp())
        if outcomes is None:
            return [(ASSUMED_GAS + extra, GasSource.ASSUMED) for extra in spare]
        for outcome in outcomes:
            if outcome.revert is not None:
                raise outcome.revert
        return [
            (outcome.gas_used * SIMULATED_PERCENT // 100 + SIMULATED_EXTRA + extra, GasSource.SIMULATED)
            for outcome, extra in zip(outcomes[1:], spare, strict=True)
        ]

    def _next_timestamp(self) -> int:
        head = self.client.block("latest")
        after_head = head.timestamp + 1 if head is not None else 0
        return max(after_head, int(self._clock.now().timestamp()))

    def _check_funds(
        self, sender: Address, intents: Sequence[Intent], gas: Sequence[tuple[int, GasSource]], fee: Fee
    ) -> None:
        """At today's base fee; servers estimate without looking at the balance."""
        known = sum(limit for limit, source in gas if source is not GasSource.ASSUMED)
        need = sum(intent.value for intent in intents) + known * fee.base
        have = self.client.balance(sender)
        if have < need:
            raise InsufficientNativeFunds(
                "the sender has too little coin for value and gas", have=str(have), need=str(need)
            )


def calldata(contract: DeployedContract, function: str, *args: object) -> str:
    return load_artifact(contract.artifact).encode(function, *args)


def _approval(erc20: Artifact, token: Address, spender: Address, amount: int) -> Intent:
    words = f"Let {spender} take {amount} of the token {token}"
    return Intent("approve_token", words, token, erc20.encode("approve", spender, amount))


def _call(sender: Address, intent: Intent) -> Call:
    return Call(to=intent.to, data=intent.data, sender=sender, value=intent.value)
