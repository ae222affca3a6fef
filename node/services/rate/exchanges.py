"""Exchanging money of one's wallet: a quote names both amounts and holds for a while, and is executed once.

Invariants: what was quoted is what moves; a quote moves money once, however often it is sent; both sides go
through the node's liquidity in one command of the ledger.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, text

from node.kernel.clock import Clock
from node.kernel.currencies import EXPONENTS, fiat_asset
from node.kernel.db.unit_of_work import Tx, rows_touched
from node.kernel.ids import new_id
from node.kernel.money import UINT256_MAX, Amount, Asset
from node.services.rate.conversion import bought_for, sold_for
from node.services.rate.errors import (
    ExchangeQuoteLapsed,
    ExchangeQuoteUnknown,
    ExchangeTooSmall,
    LiquidityShort,
    SameAsset,
)
from node.services.rate.models import ExchangeQuote
from node.services.rate.service import RateService
from wallet.ledger.commands import AccountId, Ledger, Posting, derived_key
from wallet.ledger.errors import AmountInvalid
from wallet.ledger.statements import balance
from wallet.owners import LIQUIDITY, NODE, WALLET, owner_of_account

KEPT = dt.timedelta(days=1)  # of what was not executed
PRUNE_MAX = 5_000
_FIAT: Final = "iso4217:"

_PRUNE = text("""
    DELETE FROM rate.exchange_quote WHERE id IN (
        SELECT id FROM rate.exchange_quote WHERE executed_at IS NULL AND expires_at <= :before
        ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
""")
# What the node is short of is read without a lock on its account; this one makes the bound exact.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('liquidity ' || :asset, 0))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Ids of two assets, and one of both amounts."""

    sell: str
    buy: str
    sold: int | None
    bought: int | None


class ExchangeService:
    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        rates: RateService,
        *,
        spread_bps: int,
        holds: dt.timedelta,
        short_max: Mapping[str, int],
    ) -> None:
        """`short_max` is how far the node goes below nothing, in smallest units by id of the asset."""
        self._clock = clock
        self._ledger = ledger
        self._rates = rates
        self.spread_bps: Final = spread_bps
        self._holds = holds
        self._short_max = short_max

    def quote(self, tx: Tx, account_id: uuid.UUID, wish: Wish) -> uuid.UUID:
        """Both amounts, rounded to the house's side by less than one unit.

        Raises:
            SameAsset, AssetUnknown, AmountInvalid, ExchangeTooSmall: By what is wrong.
            RateUnknown, RateStale: There is no price now.
        """
        if wish.sell == wish.buy:
            raise SameAsset("nothing is exchanged for itself", field="buy")
        source = self._rates.priced(tx, self._asset(tx, wish.sell))
        target = self._rates.priced(tx, self._asset(tx, wish.buy))
        if wish.sold is not None:
            sold = Amount(source.asset, wish.sold)
            bought = bought_for(sold, source, target, spread_bps=self.spread_bps)
        else:
            bought = Amount(target.asset, wish.bought or 0)
            sold = sold_for(bought, source, target, spread_bps=self.spread_bps)
        if not 0 < max(sold.value, bought.value) <= UINT256_MAX:
            raise AmountInvalid("an amount is a whole number from 1 to 2^256 - 1", field="amount")
        if bought.value == 0 or sold.value == 0:
            raise ExchangeTooSmall("not one unit would come back for it", field="sold")
        now = self._clock.now()
        quote = ExchangeQuote(
            id=new_id(),
            account_id=account_id,
            sold_asset=sold.asset.id,
            sold=sold.value,
            bought_asset=bought.asset.id,
            bought=bought.value,
            sold_rate=source.per_reference,
            bought_rate=target.per_reference,
            spread_bps=self.spread_bps,
            quoted_at=now,
            expires_at=now + self._holds,
        )
        tx.add(quote)
        tx.flush()
        return quote.id

    def execute(self, tx: Tx, account_id: uuid.UUID, quote_id: uuid.UUID) -> None:
        """Exchanges what was quoted. Again is fine, and exchanges nothing.

        Raises:
            ExchangeQuoteUnknown, ExchangeQuoteLapsed: There is none, or it held too long ago.
            InsufficientFunds, AccountFrozen: The wallet does not give it.
            LiquidityShort: The node has not enough of what is bought.
        """
        mine = select(ExchangeQuote).where(
            ExchangeQuote.id == quote_id, ExchangeQuote.account_id == account_id
        )
        quote = tx.execute(mine.with_for_update()).scalar_one_or_none()
        if quote is None:
            raise ExchangeQuoteUnknown("there is no such quote")
        if quote.executed_at is not None:
            return
        now = self._clock.now()
        if now >= quote.expires_at:
            raise ExchangeQuoteLapsed("the price does not hold any more; ask for a new one")
        sold = Amount(self._ledger.asset(tx, quote.sold_asset), quote.sold)
        bought = Amount(self._ledger.asset(tx, quote.bought_asset), quote.bought)
        wallet = owner_of_account(account_id)
        if bought.asset.id in self._short_max:
            tx.execute(_ONE_AT_A_TIME, {"asset": bought.asset.id})
        self._ledger.exchange(
            tx,
            derived_key("exchange", quote.id, "swap"),
            "exchange",
            sold=Posting(
                self._ledger.account(tx, wallet, WALLET, sold.asset), self._liquidity(tx, sold.asset), sold
            ),
            bought=Posting(
                self._liquidity(tx, bought.asset),
                self._ledger.account(tx, wallet, WALLET, bought.asset),
                bought,
            ),
        )
        self._require_liquidity(tx, bought.asset)
        quote.executed_at = now
        tx.flush()

    def prune(self, tx: Tx) -> int:
        """Forgets what was not executed, at most `PRUNE_MAX`; returns how many. The beat calls it."""
        return rows_touched(tx, _PRUNE, {"before": self._clock.now() - KEPT, "limit": PRUNE_MAX})

    def _asset(self, tx: Tx, asset_id: str) -> Asset:
        """A currency of ISO 4217 is known before anybody has any of it."""
        code = asset_id.removeprefix(_FIAT)
        if asset_id.startswith(_FIAT) and code in EXPONENTS:
            self._ledger.register(tx, fiat_asset(code))
        return self._ledger.asset(tx, asset_id)

    def _require_liquidity(self, tx: Tx, asset: Asset) -> None:
        bound = self._short_max.get(asset.id)
        if bound is not None and balance(tx, self._liquidity(tx, asset)).posted < -bound:
            raise LiquidityShort("the node does not have that much to give now", asset=asset.id)

    def _liquidity(self, tx: Tx, asset: Asset) -> AccountId:
        return self._ledger.account(tx, NODE, LIQUIDITY, asset, floor=None)
