"""A DAO that lives on real parts, for tests: the edge, a chain with the contracts, the indexer on demand."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from indexer.run import Indexer, config_of, deployed_contracts
from node.chain.artifacts import load_artifact
from node.chain.deployments import DeploymentRegistry
from node.cli.supervise.anvil import MNEMONIC
from node.kernel.clock import SystemClock
from node.kernel.hexes import Address, Hash32
from node.kernel.settings import Settings
from tests.chain_life import Life
from tests.edge import Edge, edge_settings, running_edge
from tests.stack import DatabaseUrls

# OpenZeppelin's IGovernor.ProposalState, by number.
STATES = ("pending", "active", "canceled", "defeated", "succeeded", "queued", "expired", "executed")

RECEIPT_LOOKS = 100

Headers = dict[str, str]


def member(number: int) -> LocalAccount:
    """A development account; each was born with a million votes."""
    Account.enable_unaudited_hdwallet_features()
    account: LocalAccount = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}")
    return account


# The rules that the development chain is born with, and slower ones that leave a test time to act.
BORN_PERIOD_S = 6
DELAY_S, PERIOD_S, EXTENSION_S = 60, 120, 90
SLOWER = {
    "kind": "set_voting_rules",
    "voting_delay_s": DELAY_S,
    "voting_period_s": PERIOD_S,
    "late_quorum_extension_s": EXTENSION_S,
}
FEE = {"kind": "set_exchange_fee", "bps": 200}


@dataclass
class Dao:
    edge: Edge
    life: Life
    settings: Settings

    async def index(self) -> None:
        contracts = deployed_contracts(DeploymentRegistry(self.settings.deployments_dir), 31337)
        await Indexer(config_of(self.settings), contracts, SystemClock()).run_to_head()

    async def pass_time(self, seconds: int) -> None:
        self.life.chain.pass_time(seconds)
        await self.index()

    async def sign_in(self, number: int) -> Headers:
        return await self.edge.sign_in(member(number))

    async def post(self, path: str, body: object, headers: Headers, *, status: int = 200) -> Any:
        answer = await self.edge.client.post(path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(self, path: str, *, status: int = 200) -> Any:
        answer = await self.edge.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def follow(self, answer: Mapping[str, Any]) -> None:
        """Sends every step as it was handed out, gas limit included, and reads the chain up to it."""
        for step in answer["steps"]:
            tx = step["transaction"]
            sent = {name: tx[name] for name in ("from", "to", "data")}
            numbers = {"value": hex(int(tx["value"])), "gas": hex(tx["gas"]), "nonce": hex(tx["nonce"])}
            self.mined(self.life.chain.rpc("eth_sendTransaction", sent | numbers))
        await self.index()

    def mined(self, tx_hash: Hash32) -> None:
        """Waits for the block; a receipt can be missing right after sending."""
        for _ in range(RECEIPT_LOOKS):
            if self.life.chain.rpc("eth_getTransactionReceipt", tx_hash) is not None:
                break
            time.sleep(0.05)
        self.life.chain.receipt(tx_hash)

    async def do(self, path: str, body: object, headers: Headers) -> Any:
        answer = await self.post(path, body, headers)
        await self.follow(answer)
        return answer

    async def delegated(self, number: int) -> Headers:
        """A member that votes for itself."""
        headers = await self.sign_in(number)
        await self.do("/v1/delegations", {"delegatee": address_of(number)}, headers)
        await self.pass_time(1)  # votes count from the second after
        return headers

    def ask(self, function: str, *args: object, at: str = "latest") -> Any:
        """A view of the governor."""
        artifact = load_artifact("AsoudGovernor")
        call = {"to": self.life.at.governor.address, "data": artifact.encode(function, *args)}
        raw: str = self.life.chain.rpc("eth_call", call, at)
        (value,) = artifact.function(function).decode_output(bytes.fromhex(raw[2:]))
        return value

    async def assert_states_agree(self, *, at: str = "latest") -> list[str]:
        """Every proposal's state, deadline and (once it is fixed) quorum, as the governor has them.

        Returns the states, the newest first.
        """
        items = (await self.get("/v1/proposals"))["items"]
        for item in items:
            one = await self.get(f"/v1/proposals/{item['id']}")
            number = int(item["id"])
            assert STATES[self.ask("state", number, at=at)] == item["state"] == one["state"]
            if item["state"] not in ("pending", "canceled"):
                snapshot = self.ask("proposalSnapshot", number)
                assert str(self.ask("quorum", snapshot, at=at)) == item["tally"]["quorum"]
        return [item["state"] for item in items]


def address_of(number: int) -> Address:
    return Address(member(number).address.lower())


@asynccontextmanager
async def running_dao(
    rpc_url: str, database: DatabaseUrls, redis_url: str, folder: Path
) -> AsyncIterator[Dao]:
    settings = edge_settings(folder, database_url=database.app, redis_url=redis_url, rpc_url=rpc_url)
    life = Life.begin(rpc_url, folder)
    async with running_edge(settings) as edge:
        dao = Dao(edge, life, settings)
        await dao.index()
        yield dao


async def proposed(dao: Dao, headers: Headers, title: str, *actions: object) -> str:
    """Makes a proposal and returns its id."""
    body = {"title": title, "description": "Because.", "actions": list(actions) or [FEE]}
    answer = await dao.do("/v1/proposals", body, headers)
    return str(answer["proposal_id"])


async def vote(dao: Dao, proposal: str, headers: Headers, support: str = "for") -> None:
    await dao.do(f"/v1/proposals/{proposal}/votes", {"support": support, "reason": "so"}, headers)


async def carried(
    dao: Dao, proposal: str, headers: Headers, *, delay_s: int = DELAY_S, period_s: int = PERIOD_S
) -> None:
    """From pending to executed, by the vote of one member."""
    await dao.pass_time(delay_s + 1)
    await vote(dao, proposal, headers)
    await dao.pass_time(period_s + 2)
    await dao.do(f"/v1/proposals/{proposal}/queue", {}, headers)
    await dao.pass_time(2)
    await dao.do(f"/v1/proposals/{proposal}/execute", {}, headers)
