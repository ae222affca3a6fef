"""The list of what belongs to an account. A column that names one and is missing here fails a test."""

from sqlalchemy import or_, select

from node.services.catalog.models import Product, Status
from node.services.deposit.models import AddressRow
from node.services.governance.models import BallotRow
from node.services.identity.holdings import Fate, Holding, Holdings, Money
from node.services.identity.models import (
    ApiKey,
    AuditEntry,
    Device,
    Phone,
    PhoneChallenge,
    Recovery,
    RecoveryCode,
    RoleGrant,
    Session,
    Totp,
    Wallet,
)
from node.services.listing.models import ListingRow, QuoteRow
from node.services.market.models import Market, Member
from node.services.nft.models import PlannedCollectionRow
from node.services.order.models import Order
from node.services.order.states import ENDS, State
from node.services.transaction.models import RelayedRow
from node.services.withdrawal.models import WithdrawalRow
from wallet.ledger.models import AccountRow

MOVES, STAYS, GONE = Fate.MOVES, Fate.STAYS, Fate.ENDS

_OPEN_ORDER = Order.state.not_in([*ENDS, State.CANCELLED, State.EXPIRED])
_ON_SALE = select(Product.id).where(Product.market_id == Market.id, Product.status == Status.ACTIVE).exists()

_BOUGHT = Holding(
    name="orders bought",
    column=Order.buyer_account_id,
    merged=MOVES,
    deleted=STAYS,
    unfinished=_OPEN_ORDER,
    blanked={"note": ""},
)
_SOLD = Holding(
    name="orders sold", column=Order.seller_account_id, merged=MOVES, deleted=STAYS, unfinished=_OPEN_ORDER
)

HOLDINGS = Holdings(
    (
        Holding(name="wallets", column=Wallet.account_id, merged=MOVES, deleted=GONE),
        Holding(name="phones", column=Phone.account_id, merged=MOVES, deleted=GONE),
        # Sessions are ended by whoever merges; the rows stay, to know a stolen refresh token by.
        Holding(name="sessions", column=Session.account_id, merged=STAYS, deleted=GONE),
        Holding(
            name="known devices",
            column=Device.account_id,
            merged=GONE,
            deleted=GONE,
            secret=frozenset({"digest"}),
        ),
        Holding(
            name="authenticator app",
            column=Totp.account_id,
            merged=GONE,
            deleted=GONE,
            secret=frozenset({"sealed", "last_step"}),
        ),
        Holding(
            name="recovery codes",
            column=RecoveryCode.account_id,
            merged=GONE,
            deleted=GONE,
            secret=frozenset({"digest"}),
        ),
        Holding(name="recoveries", column=Recovery.account_id, merged=GONE, deleted=GONE),
        Holding(
            name="phone codes",
            column=PhoneChallenge.account_id,
            merged=GONE,
            deleted=GONE,
            secret=frozenset({"digest", "sealed"}),
        ),
        Holding(name="API keys", column=ApiKey.account_id, merged=GONE, deleted=GONE),
        Holding(name="roles", column=RoleGrant.account_id, merged=GONE, deleted=GONE),
        Holding(
            name="parts in markets",
            column=Member.account_id,
            merged=MOVES,
            deleted=GONE,
            apart_by=Member.__table__.c.market_id,
        ),
        Holding(name="audit log", column=AuditEntry.account_id, merged=STAYS, deleted=STAYS),
        Holding(
            name="markets", column=Market.owner_account_id, merged=MOVES, deleted=STAYS, unfinished=_ON_SALE
        ),
        _BOUGHT,
        _SOLD,
        # Listings are signed by a wallet and follow it; the row says who sent them in and never changes.
        Holding(name="listings sent in", column=ListingRow.account_id, merged=STAYS, deleted=STAYS),
        Holding(name="quotes sent in", column=QuoteRow.account_id, merged=STAYS, deleted=STAYS),
        Holding(name="ballots sent in", column=BallotRow.account_id, merged=STAYS, deleted=STAYS),
        Holding(
            name="planned collections", column=PlannedCollectionRow.account_id, merged=MOVES, deleted=STAYS
        ),
        Holding(name="deposit addresses", column=AddressRow.account_id, merged=MOVES, deleted=STAYS),
        Holding(
            name="withdrawals",
            column=WithdrawalRow.account_id,
            merged=MOVES,
            deleted=STAYS,
            unfinished=WithdrawalRow.state.in_(("waiting", "sending")),
        ),
        Holding(name="relayed transactions", column=RelayedRow.account_id, merged=MOVES, deleted=STAYS),
    ),
    money=(
        Money(
            name="balances",
            owner=AccountRow.owner,
            is_there=or_(AccountRow.posted != 0, AccountRow.held != 0),
        ),
    ),
    between=(("orders between the two accounts are not finished", _BOUGHT, _SOLD),),
)
