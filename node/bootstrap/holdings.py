"""The list of what belongs to an account. A column that names one and is missing here fails a test."""

from sqlalchemy import Text, cast, func, or_, select

from node.services.catalog.models import Product, Status
from node.services.deposit.models import AddressRow
from node.services.governance.models import BallotRow
from node.services.identity.holdings import Fate, Holding, Holdings, Money
from node.services.identity.models import (
    ApiKey,
    AuditEntry,
    Device,
    Handle,
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
from node.services.payment.models import Intent
from node.services.payment.states import HELD, IN_FLIGHT
from node.services.rate.models import ExchangeQuote
from node.services.spending.models import Bound
from node.services.transaction.models import RelayedRow
from node.services.transfer.models import MoneyRequest, WalletTransfer
from node.services.transfer.models import State as Progress
from node.services.withdrawal.models import WithdrawalRow
from wallet.ledger.models import AccountRow
from wallet.owners import TRANSIT

MOVES, STAYS, GONE = Fate.MOVES, Fate.STAYS, Fate.ENDS

_OPEN_ORDER = Order.state.not_in([*ENDS, State.CANCELLED, State.EXPIRED])
_ON_SALE = select(Product.id).where(Product.market_id == Market.id, Product.status == Status.ACTIVE).exists()
_HAS_MONEY = (
    select(AccountRow.id)
    .where(AccountRow.owner == "market:" + cast(Market.id, Text), AccountRow.posted != 0)
    .where(AccountRow.purpose != TRANSIT)
    .exists()
)

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

_SENT = WalletTransfer.confirmed_at.is_not(None)
_BEHIND = frozenset({"source", "destination", "fees", "hold_id"})  # numbers of the ledger

HOLDINGS = Holdings(
    (
        Holding(name="wallets", column=Wallet.account_id, merged=MOVES, deleted=GONE),
        Holding(name="phones", column=Phone.account_id, merged=MOVES, deleted=GONE),
        # Nobody else ever gets it: whoever pays an old handle must reach nobody rather than a stranger.
        Holding(
            name="handles",
            column=Handle.account_id,
            merged=STAYS,
            deleted=STAYS,
            blanked={"is_current": False},
        ),
        Holding(name="spending limits", column=Bound.account_id, merged=GONE, deleted=GONE),
        # Nothing of these tells whether a phone that money was sent to is known: not the export, and not
        # whether the account can be deleted.
        Holding(
            name="transfers sent",
            column=WalletTransfer.account_id,
            merged=MOVES,
            deleted=STAYS,
            unfinished=_SENT
            & or_(WalletTransfer.state == Progress.SENT, WalletTransfer.returns_at > func.now()),
            blanked={"note": "", "target": ""},
            secret=_BEHIND | {"receiver_account_id", "state", "ended_at"},
        ),
        Holding(
            name="transfers received",
            column=WalletTransfer.receiver_account_id,
            merged=MOVES,
            deleted=STAYS,
            blanked={"target": ""},
            secret=_BEHIND | {"account_id", "confirmed_by", "market_id", "owner", "fee"},
        ),
        Holding(
            name="requests for money",
            column=MoneyRequest.account_id,
            merged=MOVES,
            deleted=STAYS,
            blanked={"note": "", "cancelled_at": func.now()},
        ),
        Holding(name="exchanges", column=ExchangeQuote.account_id, merged=MOVES, deleted=STAYS),
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
            name="markets",
            column=Market.owner_account_id,
            merged=MOVES,
            deleted=STAYS,
            unfinished=_ON_SALE | _HAS_MONEY,
        ),
        _BOUGHT,
        _SOLD,
        Holding(
            name="payments",
            column=Intent.payer_account_id,
            merged=MOVES,
            deleted=STAYS,
            secret=frozenset({"action"}),
            unfinished=Intent.state.in_([*(state.value for state in IN_FLIGHT | HELD)]),
        ),
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
            is_there=(AccountRow.purpose != TRANSIT) & or_(AccountRow.posted != 0, AccountRow.held != 0),
        ),
    ),
    between=(("orders between the two accounts are not finished", _BOUGHT, _SOLD),),
)
