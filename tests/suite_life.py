"""The rest of the suite's life: auctions, checkout, deposits, other kinds of collections, rewards, roles."""

from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from node.bootstrap.offices import DEV_GUARDIAN
from node.chain.artifacts import load_artifact
from node.chain.eip712 import Domain, Struct, typed_data
from node.chain.plan import load_plan
from node.kernel.hexes import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from tests.chain_life import DAY, NO_PERMIT, PRICE, Life
from wallet.custody.dev import dev_addresses

ROLES = load_plan(31337).roles
GUARDIAN = dev_addresses()[DEV_GUARDIAN]
# Answers two to every question, which is a balance, and no for a transfer.
STUBBORN_CODE = "0x60025f5260205ff3"
STUBBORN = Address("0x" + "57" * 20)


class SuiteLife:
    """Each method is one story, on the chain of `life`."""

    def __init__(self, life: Life) -> None:
        self.life, self.chain, self.at = life, life.chain, life.at

    def everything(self) -> None:
        self.auctions()
        self.batches_and_badges()
        self.editions()
        self.payments()
        self.deposits()
        self.rewards()
        self.access()

    def do(
        self, sender: Address, artifact: str, to: Address, function: str, *args: object, value: int = 0
    ) -> dict[str, Any]:
        return self.chain.receipt(self.life.call(sender, artifact, to, function, *args, value=value))

    def as_treasury(self, artifact: str, to: Address, function: str, *args: object, value: int = 0) -> None:
        """What a proposal would do; the chain lets us skip the vote."""
        timelock = self.at.timelock.address
        self.chain.rpc("anvil_impersonateAccount", timelock)
        self.chain.rpc("anvil_setBalance", timelock, hex(10**20))
        self.do(timelock, artifact, to, function, *args, value=value)

    # Auctions

    def auction(self, collection: Address, salt: int) -> dict[str, Any]:
        """A fresh token of the seller is up for auction."""
        life, house = self.life, self.at.auction_house.address
        terms = {
            "seller": life.seller,
            "collection": collection,
            "tokenId": life.mint(collection, life.seller),
            "currency": ZERO_ADDRESS,
            "reserve": PRICE,
            "start": 0,
            "duration": 60,
            "extension": 10,
            "incrementBps": 500,
            "salt": salt,
        }
        self.do(life.seller, "Collection", collection, "setApprovalForAll", house, True)
        self.house(life.seller, "create", terms)
        return terms

    def house(self, sender: Address, function: str, *args: object, value: int = 0) -> None:
        self.do(sender, "AuctionHouse", self.at.auction_house.address, function, *args, value=value)

    def bid(self, bidder: Address, terms: dict[str, Any], amount: int) -> None:
        self.house(bidder, "bid", terms, amount, value=amount)

    def auctions(self) -> None:
        """One of each end, one that lives and one that nobody wants."""
        life, collection = self.life, self.life.create_collection("Lots")
        sold, voided, reclaimed, cancelled, _, live = (self.auction(collection, n) for n in range(6))
        self.house(life.seller, "cancel", cancelled)
        for terms in (sold, voided, reclaimed):
            self.bid(life.others[0], terms, PRICE)
        self.bid(life.buyer, sold, 2 * PRICE)
        self.chain.pass_time(120)
        self.bid(life.others[0], live, PRICE)
        self.house(life.member, "settle", sold)
        code = self.chain.rpc("eth_getCode", collection, "latest")
        self.chain.rpc("anvil_setCode", collection, "0xfe")  # no token leaves
        for terms in (voided, reclaimed):
            self.house(life.member, "settle", terms)
        self.chain.rpc("anvil_setCode", collection, code)
        self.house(life.member, "reclaim", reclaimed)
        self.house(life.member, "collectFees")

    # Collections

    def clone(self, kind: str, name: str) -> Address:
        terms = {
            "name": name,
            "symbol": "ONE",
            "contractURI": "ipfs://all",
            "royaltyReceiver": self.life.others[0],
            "royaltyBps": 500,
            "maxSupply": 100,
        }
        factory, salt = getattr(self.at, f"{kind}_factory").address, keccak(text=name)
        receipt = self.do(self.life.merchant, "CollectionFactory", factory, "create", terms, salt)
        created = load_artifact("CollectionFactory").event("CollectionCreated").topic
        found = next(log for log in receipt["logs"] if log["topics"][0] == created)
        return Address("0x" + found["topics"][1][-40:])

    def batches_and_badges(self) -> None:
        life, batch, badges = self.life, self.clone("batch", "Batch"), self.clone("badge", "Badges")
        self.do(life.merchant, "BatchCollection", batch, "setBaseURI", "ipfs://base/")
        self.do(life.merchant, "BatchCollection", batch, "mintBatch", life.seller, 5)
        self.do(life.seller, "BatchCollection", batch, "transferFrom", life.seller, life.buyer, 2)
        self.do(life.seller, "BatchCollection", batch, "burn", 4)
        self.do(life.merchant, "BadgeCollection", badges, "mint", life.member, "ipfs://badge")
        self.do(life.merchant, "BadgeCollection", badges, "setTokenRoyalty", 1, life.others[2], 700)
        self.do(life.merchant, "BadgeCollection", badges, "grantRoles", life.others[1], 3)
        self.do(life.merchant, "BadgeCollection", badges, "revokeRoles", life.others[1], 1)

    def editions(self) -> None:
        life, place = self.life, self.clone("editions", "Prints")
        for number in range(2):
            self.do(life.merchant, "Editions", place, "createEdition", f"ipfs://print-{number}", 10)
        self.do(life.merchant, "Editions", place, "setURI", 2, "ipfs://print-moved")
        for token_id, units in ((1, 6), (2, 4)):
            self.do(life.merchant, "Editions", place, "mint", life.seller, token_id, units)
        self.do(*(life.seller, "Editions", place, "safeTransferFrom"), life.seller, life.buyer, 1, 2, b"")
        self.do(
            *(life.seller, "Editions", place, "safeBatchTransferFrom"),
            *(life.seller, life.member, [1, 2], [1, 4], b""),
        )
        self.do(life.seller, "Editions", place, "burn", life.seller, 1, 1)
        voucher, signature = self.voucher(place, token_id=2, quantity=2)
        self.do(life.buyer, "Editions", place, "redeem", voucher, signature, value=PRICE)
        self.do(life.merchant, "Editions", place, "voidVoucher", 7)

    def voucher(self, place: Address, *, token_id: int, quantity: int) -> tuple[dict[str, Any], str]:
        life = self.life
        voucher = {
            "signer": life.merchant,
            "redeemer": life.buyer,
            "payee": life.merchant,
            "currency": ZERO_ADDRESS,
            "price": PRICE,
            "tokenId": token_id,
            "quantity": quantity,
            "content": ZERO_HASH,
            "nonce": 1,
            "deadline": self.chain.now() + DAY,
        }
        struct = Struct.of_argument(load_artifact("Editions"), "hashVoucher", "Voucher")
        message = typed_data(Domain("ASOUD Collection", "1", self.at.chain_id, place), struct, voucher)
        return voucher, self.chain.rpc("eth_signTypedData_v4", life.merchant, message)

    # Payments

    def invoice(self, number: int, payee: Address) -> dict[str, Any]:
        return {
            "invoiceId": keccak(text=f"invoice {number}"),
            "payee": payee,
            "asset": ZERO_ADDRESS,
            "amount": PRICE,
            "policy": 1,
            "feeReceiver": self.life.others[0],
            "feeBps": 100,
            "expires": self.chain.now() + DAY,
        }

    def payments(self) -> None:
        life, checkout = self.life, self.at.checkout.address
        invoice = self.invoice(1, life.seller)
        self.do(life.buyer, "Checkout", checkout, "pay", invoice, PRICE + 5, NO_PERMIT, value=PRICE + 5)
        payouts = [{"to": to, "amount": 7, "ref": b"\1" * 32} for to in (life.seller, checkout, life.member)]
        self.do(life.buyer, "Checkout", checkout, "payOut", ZERO_ADDRESS, payouts, value=21)

    def deposits(self) -> None:
        life, deposits = self.life, self.at.deposits.address
        place = self.chain.read(load_artifact("Deposits"), deposits, "addressOf", life.seller, b"\5" * 32)
        self.chain.receipt(self.chain.send(life.buyer, place, "0x", value=PRICE))
        self.chain.rpc("anvil_setCode", STUBBORN, STUBBORN_CODE)
        assets = [ZERO_ADDRESS, STUBBORN]
        self.do(life.member, "Deposits", deposits, "sweep", life.seller, [b"\5" * 32], assets)

    def rewards(self) -> None:
        """One epoch that is claimed in part and closed, one that is open."""
        life, rewards = self.life, self.at.rewards.address
        leaf = keccak(keccak(encode(["address", "uint256"], [life.member, 3])))
        for wait in (50, DAY):
            until = self.chain.now() + wait
            self.as_treasury("Rewards", rewards, "openEpoch", leaf, ZERO_ADDRESS, 10, until, value=10)
        for epoch in (1, 2):
            self.do(life.others[0], "Rewards", rewards, "claim", epoch, life.member, 3, [])
        self.chain.pass_time(60)
        self.do(life.others[0], "Rewards", rewards, "closeEpoch", 1)

    def access(self) -> None:
        """The badge factory stays shut, the checkout is open again; one arbiter comes and one goes."""
        manager, checkout = self.at.access_manager.address, self.at.checkout.address
        self.do(GUARDIAN, "CollectionFactory", self.at.badge_factory.address, "pause")
        self.do(GUARDIAN, "Checkout", checkout, "pause")
        self.as_treasury("Checkout", checkout, "unpause")
        arbiter = ROLES["ARBITER"]
        self.as_treasury("AccessManager", manager, "grantRole", arbiter, self.life.others[0], 30)
        self.as_treasury("AccessManager", manager, "revokeRole", arbiter, dev_addresses()[9])


def auction_id(terms: dict[str, Any], *, chain_id: int, house: Address) -> Hash32:
    kinds = ["uint256", "address", "address", "address", "uint256", "address", "uint96", "uint64"]
    kinds += ["uint32", "uint32", "uint16", "uint256"]
    return Hash32("0x" + keccak(encode(kinds, [chain_id, house, *terms.values()])).hex())
