"""What prices may be in: currencies of ISO 4217, the chain's native coin, and the ERC-20s of the allow-list.

Assets are named by CAIP-19, or `iso4217:<code>`.

What a token calls itself is asked of the chain once, outside of transactions.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import text

from node.chain.deployments import Deployment
from node.kernel.currencies import EXPONENTS, fiat_asset
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Invalid
from node.kernel.hexes import ZERO_ADDRESS, Address, parse_address, to_bytes
from node.kernel.money import Asset
from node.services.catalog.errors import CurrencyUnknown
from wallet.asset.service import AssetService

_CAIP19 = re.compile(
    r"eip155:(?P<chain>[1-9][0-9]{0,17})/(?:slip44:60|erc20:(?P<token>0x[0-9a-fA-F]{40}))", re.ASCII
)
_ALLOWED = text("""
    SELECT true FROM chain.currency
    WHERE chain_id = :chain_id AND exchange = :exchange AND currency = :currency AND allowed
""")


@dataclass(frozen=True, slots=True)
class Currency:
    """An asset that prices may be in, and where it lives: the zero address is the native coin.

    None: nowhere on a chain.
    """

    asset: Asset
    address: Address | None


class Currencies:
    def __init__(
        self,
        assets: AssetService,
        deployment: Callable[[], Deployment],
        *,
        chain_id: int,
    ) -> None:
        self._assets = assets
        self._deployment = deployment
        self._chain_id = chain_id

    def resolve(self, begin: Callable[[], AbstractContextManager[Tx]], asset_id: str) -> Currency:
        """The currency of that CAIP-19 id. Opens short transactions of its own.

        Raises:
            CurrencyUnknown: Not one that prices may be in.
            Transient: The chain had to be asked and is away.
        """
        fiat = fiat_of(asset_id)
        if fiat is not None:
            return Currency(fiat, None)
        address = self.address(asset_id)
        if address != ZERO_ADDRESS:
            with begin() as tx:
                if not self._is_allowed(tx, address):
                    raise _unknown(asset_id)
        return Currency(self._assets.learn(begin, address), address)

    def canonical(self, asset_id: str) -> str:
        """The id as products have it, whether or not prices may be in it now. Raises CurrencyUnknown."""
        fiat = fiat_of(asset_id)
        if fiat is not None:
            return fiat.id
        address = self.address(asset_id)
        return asset_id if address == ZERO_ADDRESS else f"eip155:{self._chain_id}/erc20:{address}"

    def address(self, asset_id: str) -> Address:
        """Where the asset lives, whether or not prices may be in it now. Raises CurrencyUnknown: not here."""
        found = _CAIP19.fullmatch(asset_id)
        if found is None or int(found["chain"]) != self._chain_id:
            raise _unknown(asset_id)
        if found["token"] is None:
            return ZERO_ADDRESS
        try:
            return parse_address(found["token"])
        except Invalid as error:
            raise _unknown(asset_id) from error

    def _is_allowed(self, tx: Tx, address: Address) -> bool:
        deployment = self._deployment()
        if deployment.dev_dollar is not None and address == deployment.dev_dollar.address:
            return True  # on the list from the exchange's first block, which may not be indexed yet
        parameters = {
            "chain_id": self._chain_id,
            "exchange": to_bytes(deployment.exchange.address),
            "currency": to_bytes(address),
        }
        return tx.execute(_ALLOWED, parameters).scalar_one_or_none() is not None


def fiat_of(asset_id: str) -> Asset | None:
    """None for what is no currency of ISO 4217 that is in use."""
    scheme, _, code = asset_id.partition(":")
    return fiat_asset(code) if scheme == "iso4217" and code in EXPONENTS else None


def _unknown(asset_id: str) -> CurrencyUnknown:
    words = "prices are in a currency of ISO 4217, the native coin or an allow-listed ERC-20 of this chain"
    return CurrencyUnknown(words, field="asset", asset=asset_id[:120])
