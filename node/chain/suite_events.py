"""What the rest of our contracts says; see `node.chain.events`, whose conventions these keep."""

from node.chain.events import ChainLog
from node.kernel.hexes import Address, Hash32

# -------------------------------------------------------------------------------- collections of all kinds


class TokenRoyaltyChanged(ChainLog, frozen=True):
    """A zero receiver: the token follows its collection again."""

    abi_name = "TokenRoyaltyChanged"
    token_id: int
    receiver: Address
    bps: int


class RolesUpdated(ChainLog, frozen=True):
    """`roles` is a set of bits: 1 mints, 2 edits."""

    abi_name = "RolesUpdated"
    account: Address
    roles: int


class VoucherRedeemed(ChainLog, frozen=True):
    abi_name = "VoucherRedeemed"
    digest: Hash32
    signer: Address
    redeemer: Address
    payee: Address
    currency: Address
    price: int
    token_id: int
    quantity: int
    nonce: int


class VoucherVoided(ChainLog, frozen=True):
    abi_name = "VoucherVoided"
    signer: Address
    nonce: int


class BaseURIChanged(ChainLog, frozen=True):
    abi_name = "BaseURIChanged"
    uri: str


class EditionCreated(ChainLog, frozen=True):
    """`max_units` zero is no cap of its own."""

    abi_name = "EditionCreated"
    token_id: int
    max_units: int
    uri: str


class EditionURIChanged(ChainLog, frozen=True):
    abi_name = "URI"
    uri: str
    token_id: int


class UnitsTransferred(ChainLog, frozen=True):
    abi_name = "TransferSingle"
    operator: Address
    sender: Address
    recipient: Address
    token_id: int
    units: int


class UnitsBatchTransferred(ChainLog, frozen=True):
    abi_name = "TransferBatch"
    operator: Address
    sender: Address
    recipient: Address
    token_ids: tuple[int, ...]
    units: tuple[int, ...]


# ------------------------------------------------------------------------------ exchange and auction house


class FeesCollected(ChainLog, frozen=True):
    abi_name = "FeesCollected"
    receiver: Address
    amount: int


class AuctionCreated(ChainLog, frozen=True):
    abi_name = "AuctionCreated"
    auction_id: Hash32
    seller: Address
    collection: Address
    token_id: int
    currency: Address
    reserve: int
    start: int
    duration: int
    extension: int
    increment_bps: int
    salt: int
    fee_bps: int


class BidPlaced(ChainLog, frozen=True):
    abi_name = "BidPlaced"
    auction_id: Hash32
    bidder: Address
    amount: int
    end: int


class AuctionCancelled(ChainLog, frozen=True):
    abi_name = "AuctionCancelled"
    auction_id: Hash32


class AuctionSettled(ChainLog, frozen=True):
    abi_name = "AuctionSettled"
    auction_id: Hash32
    winner: Address
    amount: int


class AuctionVoided(ChainLog, frozen=True):
    """The token would not leave; the highest bid went back."""

    abi_name = "AuctionVoided"
    auction_id: Hash32
    bidder: Address
    amount: int


class TokenReclaimed(ChainLog, frozen=True):
    abi_name = "TokenReclaimed"
    auction_id: Hash32
    seller: Address


class AuctionSold(ChainLog, frozen=True):
    """The `Sold` of an auction house: `digest` is the auction, and no nonce is used up."""

    abi_name = "Sold"
    digest: Hash32
    seller: Address
    buyer: Address
    kind: int
    collection: Address
    token_id: int
    quantity: int
    currency: Address
    price: int
    royalty_receiver: Address
    royalty: int
    fee: int
    nonce: int


# ----------------------------------------------------------------------------------- checkout and deposits


class InvoicePaid(ChainLog, frozen=True):
    abi_name = "InvoicePaid"
    invoice_hash: Hash32
    invoice_id: Hash32
    payee: Address
    payer: Address
    asset: Address
    amount: int
    sent: int
    to_payee: int
    fee_receiver: Address
    fee: int


class PaidOut(ChainLog, frozen=True):
    abi_name = "PaidOut"
    sender: Address
    recipient: Address
    reference: Hash32
    asset: Address
    amount: int


class PayoutRefused(ChainLog, frozen=True):
    abi_name = "PayoutRefused"
    sender: Address
    recipient: Address
    reference: Hash32
    asset: Address
    amount: int


class DepositSwept(ChainLog, frozen=True):
    abi_name = "DepositSwept"
    forwarder: Address
    destination: Address
    deposit_id: Hash32
    asset: Address
    amount: int


class DepositStuck(ChainLog, frozen=True):
    abi_name = "DepositStuck"
    forwarder: Address
    destination: Address
    deposit_id: Hash32
    asset: Address


# -------------------------------------------------------------------------------------------------- access


class Paused(ChainLog, frozen=True):
    abi_name = "Paused"
    account: Address


class Unpaused(ChainLog, frozen=True):
    abi_name = "Unpaused"
    account: Address


class RoleGranted(ChainLog, frozen=True):
    """`since` is when the membership begins, or, of a member, when its new delay does."""

    abi_name = "RoleGranted"
    role: int
    account: Address
    delay: int
    since: int
    new_member: bool


class RoleRevoked(ChainLog, frozen=True):
    abi_name = "RoleRevoked"
    role: int
    account: Address


class TargetFunctionRoleUpdated(ChainLog, frozen=True):
    abi_name = "TargetFunctionRoleUpdated"
    target: Address
    selector: bytes
    role: int


# ------------------------------------------------------------------------------------------------- rewards


class EpochOpened(ChainLog, frozen=True):
    abi_name = "EpochOpened"
    epoch: int
    root: Hash32
    asset: Address
    total: int
    until: int


class RewardClaimed(ChainLog, frozen=True):
    abi_name = "RewardClaimed"
    epoch: int
    account: Address
    asset: Address
    amount: int


class EpochClosed(ChainLog, frozen=True):
    abi_name = "EpochClosed"
    epoch: int
    asset: Address
    left: int
