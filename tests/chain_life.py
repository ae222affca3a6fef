"""A life on the development chain, for tests of what reads it: every contract does all that it can.

Transactions are sent by anvil's unlocked accounts, one block each.
"""

import asyncio
import gzip
import itertools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
from eth_utils.crypto import keccak

from node.chain.artifacts import Artifact, load_artifact
from node.chain.deployments import Deployment
from node.chain.eip712 import Listing, Struct, exchange_domain, typed_data
from node.chain.escrow import RELEASE, Terms, escrow_domain, escrow_id
from node.chain.permit import NO_PERMIT
from node.cli.supervise.canonical import only_canonical
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32, hash_from_bytes
from tests.deployed_chain import deployed_on
from wallet.custody.dev import dev_addresses

DAY = 86_400
PRICE = 10**18
FOR = 1
SELL, BUY = 0, 1  # `IExchange.Side`
ONE_TOKEN, ANY_TOKEN = 0, 1  # `IExchange.Scope`


class Chain:
    """An anvil, asked synchronously."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._mines = True  # a block for each transaction

    def rpc(self, method: str, *params: object) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = self._session.post(self.url, json=body, timeout=30).json()
        assert "error" not in answer, answer
        if method == "evm_setAutomine":
            self._mines = bool(params[0])
        return answer["result"]

    def height(self) -> int:
        return int(self.rpc("eth_blockNumber"), 16)

    def now(self) -> int:
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def pass_time(self, seconds: int) -> None:
        self.rpc("evm_increaseTime", seconds)
        self.mine()

    def mine(self, blocks: int = 1) -> None:
        self.rpc("anvil_mine", hex(blocks))

    def reorg(self, depth: int) -> None:
        """Replaces the newest blocks by as many empty ones."""
        self.rpc("anvil_reorg", depth, [])

    @contextmanager
    def one_block(self) -> Iterator[None]:
        """What is sent inside is mined together."""
        self.rpc("evm_setAutomine", False)
        try:
            yield
            self.mine()
        finally:
            self.rpc("evm_setAutomine", True)

    def send(self, sender: Address, to: Address, data: str, *, value: int = 0) -> Hash32:
        tx = {"from": sender, "to": to, "data": data, "value": hex(value), "gas": hex(3_000_000)}
        tx_hash = Hash32(self.rpc("eth_sendTransaction", tx))
        if self._mines:
            self._mined(tx_hash)  # or the height that is asked for next may be that of before
        return tx_hash

    def receipt(self, tx_hash: Hash32) -> dict[str, Any]:
        """Of a transaction that succeeded."""
        receipt = self._mined(tx_hash)
        assert receipt["status"] == "0x1", receipt
        return receipt

    def _mined(self, tx_hash: Hash32) -> dict[str, Any]:
        """Anvil may need a moment."""
        for _ in range(500):
            receipt: dict[str, Any] | None = self.rpc("eth_getTransactionReceipt", tx_hash)
            if receipt is not None:
                return receipt
            time.sleep(0.01)
        raise AssertionError("the transaction is not mined")

    def read(self, artifact: Artifact, address: Address, function: str, *args: object) -> Any:
        data = artifact.encode(function, *args)
        raw = self.rpc("eth_call", {"to": address, "data": data}, "latest")
        values = artifact.function(function).decode_output(bytes.fromhex(raw[2:]))
        return values[0] if len(values) == 1 else values


class Life:
    """Who does what. Each method is one step of somebody's life, and returns what later steps need."""

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        self.chain = chain
        self.at = deployment
        accounts = dev_addresses()
        self.merchant, self.buyer, self.seller, self.arbiter, self.member = accounts[1:6]
        self.others = accounts[6:]
        self._numbers = itertools.count(1)

    @classmethod
    def begin(cls, url: str, data_dir: Path, *, anew: bool = False) -> "Life":
        return cls(Chain(url), deployed_on(url, data_dir, anew=anew))

    def call(
        self, sender: Address, artifact: str, to: Address, function: str, *args: object, value: int = 0
    ) -> Hash32:
        return self.chain.send(sender, to, load_artifact(artifact).encode(function, *args), value=value)

    # ------------------------------------------------------------------------------------------- nft

    def create_collection(self, name: str = "Pictures") -> Address:
        terms = {
            "name": name,
            "symbol": "PIC",
            "contractURI": "ipfs://collection",
            "royaltyReceiver": self.others[0],
            "royaltyBps": 500,
            "maxSupply": 1_000,
        }
        salt = keccak(text=f"{name}{next(self._numbers)}{self.chain.height()}")
        factory = self.at.collection_factory.address
        tx = self.call(self.merchant, "CollectionFactory", factory, "create", terms, salt)
        created = load_artifact("CollectionFactory").event("CollectionCreated").topic
        logs = self.chain.receipt(tx)["logs"]
        return Address("0x" + next(log for log in logs if log["topics"][0] == created)["topics"][1][-40:])

    def mint(self, collection: Address, to: Address, uri: str = "ipfs://token") -> int:
        tx = self.call(self.merchant, "Collection", collection, "mint", to, uri)
        minted = load_artifact("Collection").event("Minted").topic
        logs = self.chain.receipt(tx)["logs"]
        return int(next(log for log in logs if log["topics"][0] == minted)["topics"][1], 16)

    def transfer(self, collection: Address, sender: Address, to: Address, token_id: int) -> Hash32:
        return self.call(sender, "Collection", collection, "transferFrom", sender, to, token_id)

    def merchant_does(self, collection: Address, function: str, *args: object) -> Hash32:
        return self.call(self.merchant, "Collection", collection, function, *args)

    # -------------------------------------------------------------------------------------- exchange

    def listing(self, collection: Address, seller: Address, token_id: int, **more: Any) -> Listing:
        exchange = load_artifact("Exchange")
        epoch = self.chain.read(exchange, self.at.exchange.address, "epochOf", seller)
        now = self.chain.now()
        made = Listing(
            seller=seller,
            collection=collection,
            token_id=token_id,
            currency=ZERO_ADDRESS,
            price=PRICE,
            min_proceeds=0,
            start=now - 10,
            end=now + DAY,
            nonce=next(self._numbers),
            epoch=epoch,
        )
        return replace(made, **more)

    def sign(self, listing: Listing) -> str:
        domain = exchange_domain(chain_id=self.at.chain_id, exchange=self.at.exchange.address)
        signature: str = self.chain.rpc("eth_signTypedData_v4", listing.seller, listing.typed_data(domain))
        return signature

    def sell(
        self, collection: Address, seller: Address, buyer: Address, token_id: int, **more: Any
    ) -> Hash32:
        listing = self.listing(collection, seller, token_id, **more)
        self.call(seller, "Collection", collection, "setApprovalForAll", self.at.exchange.address, True)
        value = listing.price if listing.currency == ZERO_ADDRESS else 0
        if not value:
            dollar = listing.currency
            self.call(buyer, "DevDollar", dollar, "approve", self.at.exchange.address, listing.price)
        args = (listing.values(), self.sign(listing))
        exchange = self.at.exchange.address
        return self.call(buyer, "Exchange", exchange, "buy", *args, value=value)

    def quote(
        self, collection: Address, maker: Address, side: int, scope: int, **more: Any
    ) -> dict[str, Any]:
        """For one ERC-721 token at 1 dollar, if `more` says nothing else."""
        exchange, dollar = load_artifact("Exchange"), self.at.dev_dollar
        assert dollar is not None
        made = {
            "maker": maker,
            "side": side,
            "scope": scope,
            "standard": 0,
            "collection": collection,
            "criteria": 0,
            "quantity": 1,
            "currency": dollar.address,
            "startPrice": 10**6,
            "endPrice": 10**6,
            "minProceeds": 0,
            "taker": ZERO_ADDRESS,
            "start": self.chain.now() - 10,
            "end": self.chain.now() + DAY,
            "nonce": next(self._numbers),
            "group": 0,
            "epoch": self.chain.read(exchange, self.at.exchange.address, "epochOf", maker),
        }
        return made | more

    def take(self, quote: dict[str, Any], taker: Address, token_id: int) -> None:
        """One unit, with all approvals that it needs."""
        exchange = self.at.exchange.address
        seller, buyer = (quote["maker"], taker) if quote["side"] == SELL else (taker, quote["maker"])
        self.call(seller, "Collection", quote["collection"], "setApprovalForAll", exchange, True)
        self.call(buyer, "DevDollar", quote["currency"], "approve", exchange, 10**9)
        struct = Struct.of_argument(load_artifact("Exchange"), "hashQuote", "Quote")
        domain = exchange_domain(chain_id=self.at.chain_id, exchange=exchange)
        message = typed_data(domain, struct, quote)
        signature = self.chain.rpc("eth_signTypedData_v4", quote["maker"], message)
        how = {
            "tokenId": token_id,
            "units": 1,
            "limit": 10**9 if quote["side"] == SELL else 0,
            "proof": [],
            "items": [],
            "bulkProof": [],
        }
        self.chain.receipt(self.call(taker, "Exchange", exchange, "take", quote, how, signature))

    def cancel_group(self, signer: Address, group: int) -> None:
        self.chain.receipt(self.call(signer, "Exchange", self.at.exchange.address, "cancelGroup", group))

    def cancel(self, signer: Address, nonce: int) -> Hash32:
        return self.call(signer, "Exchange", self.at.exchange.address, "cancel", nonce)

    def cancel_all(self, signer: Address) -> Hash32:
        return self.call(signer, "Exchange", self.at.exchange.address, "cancelAll")

    # ---------------------------------------------------------------------------------------- escrow

    def terms(self, **more: Any) -> Terms:
        made = Terms(
            order_id=hash_from_bytes(keccak(text=f"order {next(self._numbers)}")),
            buyer=self.buyer,
            seller=self.seller,
            arbiter=self.arbiter,
            asset=ZERO_ADDRESS,
            amount=10**17,
            fee_receiver=self.others[1],
            fee_bps=250,
            silence_seller_bps=5_000,
            ship_by=self.chain.now() + DAY,
            inspection=DAY,
            ruling=DAY,
        )
        return replace(made, **more)

    def fund(self, **more: Any) -> Terms:
        terms = self.terms(**more)
        escrow = self.at.escrow.address
        value = terms.amount if terms.asset == ZERO_ADDRESS else 0
        if not value:
            self.call(terms.buyer, "DevDollar", terms.asset, "approve", escrow, terms.amount)
        self.chain.receipt(self.call(terms.buyer, "Escrow", escrow, "fund", terms.values(), value=value))
        return terms

    def fund_appealable(self, *, window: int = DAY, **more: Any) -> Terms:
        """With the merchant as the court."""
        terms, escrow = self.terms(**more), self.at.escrow.address
        appeal = {"court": self.merchant, "window": window, "courtTime": DAY}
        args = (terms.values(), appeal, NO_PERMIT)
        tx = self.call(terms.buyer, "Escrow", escrow, "fundWith", *args, value=terms.amount)
        self.chain.receipt(tx)
        return terms

    def release_signed(self, terms: Terms, amount: int) -> None:
        """Signed by the buyer, sent by somebody else."""
        nonce, deadline = next(self._numbers), self.chain.now() + DAY
        release = {
            "escrowId": self.escrow_id(terms),
            "amount": amount,
            "nonce": nonce,
            "deadline": deadline,
        }
        domain = escrow_domain(chain_id=self.at.chain_id, escrow=self.at.escrow.address)
        message = typed_data(domain, RELEASE, release)
        signature = self.chain.rpc("eth_signTypedData_v4", terms.buyer, message)
        self.escrow_step(self.others[0], "releaseSigned", terms, amount, nonce, deadline, signature)

    def escrow_step(self, sender: Address, function: str, terms: Terms, *args: object) -> None:
        tx = self.call(sender, "Escrow", self.at.escrow.address, function, terms.values(), *args)
        self.chain.receipt(tx)

    def escrow_id(self, terms: Terms) -> Hash32:
        return escrow_id(terms, chain_id=self.at.chain_id, escrow=self.at.escrow.address)

    # ------------------------------------------------------------------------------------ governance

    def delegate(self, holder: Address, to: Address) -> None:
        self.chain.receipt(self.call(holder, "VotesToken", self.at.votes_token.address, "delegate", to))

    def give_votes(self, holder: Address, to: Address, amount: int) -> None:
        token = self.at.votes_token.address
        self.chain.receipt(self.call(holder, "VotesToken", token, "transfer", to, amount))

    def propose(self, description: str) -> int:
        """To change the fee of the exchange, which the timelock owns."""
        data = load_artifact("Exchange").encode("setFee", self.at.timelock.address, 100)
        args = ([self.at.exchange.address], [0], [data], description)
        tx = self.call(self.member, "AsoudGovernor", self.at.governor.address, "propose", *args)
        log = self.chain.receipt(tx)["logs"][0]
        return int(log["data"][2:66], 16)

    def vote(self, voter: Address, proposal_id: int, support: int = FOR, reason: str = "because") -> None:
        governor = self.at.governor.address
        args = (proposal_id, support, reason)
        self.chain.receipt(self.call(voter, "AsoudGovernor", governor, "castVoteWithReason", *args))

    def governor_step(self, function: str, description: str) -> None:
        data = load_artifact("Exchange").encode("setFee", self.at.timelock.address, 100)
        args = ([self.at.exchange.address], [0], [data], keccak(text=description))
        governor = self.at.governor.address
        self.chain.receipt(self.call(self.member, "AsoudGovernor", governor, function, *args))

    def pass_proposal(self, description: str, voters: tuple[Address, ...]) -> int:
        proposal = self.propose(description)
        self.chain.pass_time(3)
        for voter in voters:
            self.vote(voter, proposal)
        self.chain.pass_time(60)
        self.governor_step("queue", description)
        self.chain.pass_time(5)
        self.governor_step("execute", description)
        return proposal

    # ------------------------------------------------------------------------------------ whole lives

    def everything(self) -> None:
        """Each event of each contract, at least once."""
        self._trade()
        self._quotes()
        self._orders()
        self._parts_and_settlements()
        self._appeals()
        self._refused_payment()
        self._rule()

    def _trade(self) -> None:
        collection = self.create_collection()
        ids = [self.mint(collection, self.seller, f"ipfs://{n}") for n in range(4)]
        self.transfer(collection, self.seller, self.others[2], ids[3])
        self.sell(collection, self.seller, self.buyer, ids[0])
        dollar = self.at.dev_dollar
        assert dollar is not None
        self.sell(collection, self.seller, self.buyer, ids[1], currency=dollar.address, price=5_000_000)
        self.cancel(self.seller, 77)
        self.cancel_all(self.others[0])
        self.merchant_does(collection, "setTokenURI", ids[2], "ipfs://moved")
        self.merchant_does(collection, "setContractURI", "ipfs://moved-collection")
        self.merchant_does(collection, "setRoyalty", self.others[2], 100)
        self.merchant_does(collection, "freezeMetadata")
        self.merchant_does(collection, "transferOwnership", self.others[3])

    def _quotes(self) -> None:
        """Offers for any token: one taken in part, one to its end; and a price that falls."""
        collection = self.create_collection("Quoted")
        ids = [self.mint(collection, self.seller) for _ in range(4)]
        in_part = self.quote(collection, self.buyer, BUY, ANY_TOKEN, quantity=2, nonce=1_001)
        self.take(in_part, self.seller, ids[0])
        whole = self.quote(collection, self.buyer, BUY, ANY_TOKEN, quantity=2, nonce=1_002)
        self.take(whole, self.seller, ids[1])
        self.take(whole, self.seller, ids[2])
        falling = self.quote(
            collection, self.seller, SELL, ONE_TOKEN, criteria=ids[3], endPrice=1, nonce=1_003
        )
        self.take(falling, self.buyer, ids[3])
        self.cancel_group(self.seller, 5)
        self.cancel_group(self.seller, 5)

    def _parts_and_settlements(self) -> None:
        parts = self.fund()
        self.escrow_step(self.buyer, "releasePart", parts, parts.amount // 4)
        self.escrow_step(self.seller, "ship", parts, keccak(text="proof"))
        self.escrow_step(self.seller, "refundPart", parts, parts.amount // 8)
        self.release_signed(parts, parts.amount // 8)
        settled = self.fund()
        self.release_signed(settled, settled.amount // 2)
        self.escrow_step(self.buyer, "offerSettlement", settled, 1)
        self.escrow_step(self.buyer, "withdrawSettlement", settled)
        self.escrow_step(self.seller, "offerSettlement", settled, settled.amount // 3)
        self.escrow_step(self.buyer, "acceptSettlement", settled, settled.amount // 3)
        offered = self.fund()
        self.escrow_step(self.seller, "offerSettlement", offered, offered.amount)
        self.escrow_step(self.buyer, "withdrawSettlement", self.terms())  # of terms that nobody funded
        escrow = self.at.escrow.address
        self.chain.receipt(self.call(self.buyer, "Escrow", escrow, "voidSignature", 2_001))
        self.escrow_step(self.buyer, "release", self.part_paid())

    def part_paid(self) -> Terms:
        terms = self.fund()
        self.escrow_step(self.buyer, "releasePart", terms, terms.amount // 4)
        self.escrow_step(self.seller, "refundPart", terms, terms.amount // 4)
        return terms

    def _appeals(self) -> None:
        """One waits for an appeal, one for the court; one is ruled by the court, one by the arbiter."""
        proposed, appealed, ruled, finished = (self.fund_appealable(window=60) for _ in range(4))
        for terms in (proposed, appealed, ruled, finished):
            self.escrow_step(self.seller, "ship", terms, keccak(text="proof"))
            self.escrow_step(self.buyer, "dispute", terms, keccak(text="evidence"))
            self.escrow_step(self.arbiter, "rule", terms, terms.amount // 3, keccak(text="reason"))
            if terms in (appealed, ruled):
                self.escrow_step(self.seller, "appeal", terms, keccak(text="appeal"))
                self.escrow_step(self.buyer, "addEvidence", terms, keccak(text="more"))
        self.escrow_step(self.merchant, "ruleAppeal", ruled, ruled.amount, keccak(text="verdict"))
        self.chain.pass_time(61)
        self.escrow_step(self.others[0], "finishRuling", finished)

    def _orders(self) -> None:
        dollar = self.at.dev_dollar
        assert dollar is not None
        proof, evidence, reason = (keccak(text=text) for text in ("proof", "evidence", "reason"))
        self.fund()  # stays open
        released = self.fund(asset=dollar.address, amount=2_000_000)
        self.escrow_step(self.seller, "ship", released, proof)
        self.escrow_step(self.buyer, "release", released)
        self.escrow_step(self.seller, "refund", self.fund())
        for silent in (False, True):
            terms = self.fund()
            self.escrow_step(self.seller, "ship", terms, proof)
            self.escrow_step(self.buyer, "dispute", terms, evidence)
            self.escrow_step(self.seller, "addEvidence", terms, evidence)
            if silent:
                self.chain.pass_time(2 * DAY)
                self.escrow_step(self.others[0], "ruleExpired", terms)
            else:
                self.escrow_step(self.arbiter, "rule", terms, terms.amount // 3, reason)
        self.chain.pass_time(1)

    def _refused_payment(self) -> None:
        """A seller whose code refuses coins is credited, and withdraws later."""
        terms = self.fund(seller=self.others[3])
        self.chain.rpc("anvil_setCode", self.others[3], "0xfe")
        self.escrow_step(self.buyer, "release", terms)
        self.chain.rpc("anvil_setCode", self.others[3], "0x")
        args = (self.others[3], ZERO_ADDRESS)
        self.call(self.buyer, "Escrow", self.at.escrow.address, "withdraw", *args)

    def _rule(self) -> None:
        for holder in (self.member, self.buyer):
            self.delegate(holder, holder)
        self.delegate(self.seller, self.member)
        self.give_votes(self.seller, self.others[0], 10**18)
        self.chain.pass_time(2)  # votes count from the second after they were given
        self.pass_proposal(f"Lower the fee {next(self._numbers)}", (self.member, self.buyer))
        withdrawn = f"Never mind {next(self._numbers)}"
        self.propose(withdrawn)
        self.governor_step("cancel", withdrawn)

    def random_step(self, rng: random.Random, collections: list[Address]) -> None:
        """One or two transactions of somebody; keeps no notes but the list of collections."""
        steps: list[Callable[[], object]] = [
            lambda: collections.append(self.create_collection(f"Random {rng.random()}")),
            lambda: self.fund(amount=rng.randrange(1, 10**18)),
            lambda: self.escrow_step(self.seller, "ship", self.fund(), keccak(text="proof")),
            lambda: self.escrow_step(self.seller, "refund", self.fund()),
            lambda: self.escrow_step(self.seller, "refund", self.part_paid()),
            lambda: self.release_signed(self.fund(), rng.randrange(1, 10**17)),
            lambda: self.escrow_step(self.buyer, "offerSettlement", self.fund(), rng.randrange(10**17)),
            lambda: self.escrow_step(self.seller, "ship", self.fund_appealable(), keccak(text="proof")),
            lambda: self.cancel_group(rng.choice(self.others), rng.randrange(1, 10)),
            lambda: self.cancel(rng.choice(self.others), rng.randrange(2**256)),
            lambda: self.cancel_all(rng.choice(self.others)),
            lambda: self.delegate(rng.choice(self.others), rng.choice(self.others)),
            lambda: self.give_votes(rng.choice(self.others), rng.choice(self.others), rng.randrange(10**18)),
            lambda: self.propose(f"Random {rng.random()}"),
        ]
        if collections:
            collection = rng.choice(collections)
            steps += [
                lambda: self.mint(collection, self.seller, f"ipfs://{rng.random()}"),
                lambda: self.sell(collection, self.seller, self.buyer, self.mint(collection, self.seller)),
                lambda: self.transfer(
                    collection, self.seller, self.buyer, self.mint(collection, self.seller)
                ),
                lambda: self.merchant_does(collection, "setRoyalty", self.others[0], rng.randrange(1_000)),
                lambda: self.merchant_does(collection, "setContractURI", f"ipfs://{rng.random()}"),
            ]
        rng.choice(steps)()


def copy_chain(source: Chain, target: Chain) -> None:
    """Brings blocks and state of one anvil into a fresh one, which then goes its own way."""
    dumped = gzip.decompress(bytes.fromhex(source.rpc("anvil_dumpState")[2:]))

    async def header_at(height: int) -> dict[str, Any]:
        found: dict[str, Any] = source.rpc("eth_getBlockByNumber", hex(height), False)
        return found

    state = gzip.compress(asyncio.run(only_canonical(dumped, header_at)), compresslevel=1)
    target.rpc("anvil_loadState", "0x" + state.hex())
    target.rpc("evm_setTime", source.now() + 1)
