"""The deployed suite and some people with keys, for tests on a real chain."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from node.chain.actions import (
    CollectionActions,
    CollectionTerms,
    ExchangeActions,
    GovernanceActions,
)
from node.chain.artifacts import load_artifact
from node.chain.client import ChainClient, Receipt
from node.chain.deployments import Deployment
from node.chain.escrow_actions import EscrowActions
from node.chain.steps import Step, StepBuilder, TransactionStep
from node.kernel.clock import SystemClock
from node.kernel.hexes import Address, Hash32
from node.kernel.settings import DEV_CHAIN_ID
from tests.deployed_chain import deployed_on
from tests.stack import rpc
from wallet.custody.dev import DevSigner
from wallet.custody.signer import Signer, Transaction


def person(number: int) -> DevSigner:
    return DevSigner(number, chain_id=DEV_CHAIN_ID)


@dataclass(frozen=True)
class Suite:
    rpc_url: str
    client: ChainClient
    deployment: Deployment
    builder: StepBuilder

    @property
    def collections(self) -> CollectionActions:
        return CollectionActions(self.builder)

    @property
    def exchange(self) -> ExchangeActions:
        return ExchangeActions(self.builder)

    @property
    def escrow(self) -> EscrowActions:
        return EscrowActions(self.builder)

    @property
    def governance(self) -> GovernanceActions:
        return GovernanceActions(self.builder)

    @property
    def dollar(self) -> Address:
        assert self.deployment.dev_dollar is not None
        return self.deployment.dev_dollar.address

    def now(self) -> int:
        head = self.client.block()
        assert head is not None
        return head.timestamp

    def pass_time(self, seconds: int) -> None:
        """Makes no block: on an idle development chain nothing does until the next transaction."""
        rpc(self.rpc_url, "evm_increaseTime", seconds)

    def send(self, signer: Signer, steps: Sequence[Step]) -> list[Receipt]:
        """As a wallet would: signs each step as it stands, and waits for it."""
        receipts = []
        for step in steps:
            assert isinstance(step, TransactionStep)
            tx_hash = self.client.send_raw(signer.sign_transaction(as_transaction(step)))
            receipts.append(self.client.wait_receipt(tx_hash, timeout_s=10))
            assert receipts[-1].succeeded, step.action
        return receipts

    def ask(self, contract: str, function: str, *args: object) -> object:
        found = getattr(self.deployment, contract)
        return self.client.read(load_artifact(found.artifact), found.address, function, *args)

    def new_collection(self, merchant: Signer, salt: int, **more: object) -> Address:
        terms = {
            "name": "Birds",
            "symbol": "BRD",
            "contract_uri": "ipfs://c",
            "royalty_receiver": person(9).address,
            "royalty_bps": 500,
            "max_supply": 0,
            **more,
        }
        word = Hash32(f"0x{salt:064x}")
        self.send(
            merchant,
            self.collections.create(creator=merchant.address, terms=CollectionTerms(**terms), salt=word),
        )
        return self.collections.predict(creator=merchant.address, salt=word)

    def mint(self, merchant: Signer, collection: Address) -> int:
        steps = self.collections.mint(
            merchant=merchant.address, collection=collection, to=merchant.address, uri="ipfs://t"
        )
        self.send(merchant, steps)
        minted = self.client.read(load_artifact("Collection"), collection, "totalMinted")
        assert isinstance(minted, int)
        return minted


def as_transaction(step: TransactionStep) -> Transaction:
    return Transaction(
        chain_id=step.chain_id,
        nonce=step.nonce,
        to=step.to,
        data=step.data,
        value=step.value,
        gas=step.gas,
        max_fee_per_gas=step.max_fee_per_gas,
        max_priority_fee_per_gas=step.max_priority_fee_per_gas,
    )


@contextmanager
def deployed(rpc_url: str, folder: Path) -> Iterator[Suite]:
    deployment = deployed_on(rpc_url, folder)
    with ChainClient(rpc_url, chain_id=DEV_CHAIN_ID) as client:
        yield Suite(rpc_url, client, deployment, StepBuilder(client, deployment, SystemClock()))
