"""What prices may be in: the chain's native coin, and the ERC-20s on the exchange's allow-list.

Assets are named by CAIP-19. What a token calls itself is asked of the chain once, outside of transactions.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import text

from node.chain.deployments import Deployment
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
    """An asset that prices may be in, and where it lives: the zero address is the native coin."""

    asset: Asset
    address: Address


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
        address = self.address(asset_id)
        if address != ZERO_ADDRESS:
            with begin() as tx:
                if not self._is_allowed(tx, address):
                    raise _unknown(asset_id)
        return Currency(self._assets.learn(begin, address), address)

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


def _unknown(asset_id: str) -> CurrencyUnknown:
    words = "prices are in the native coin or an allow-listed ERC-20 of this chain"
    return CurrencyUnknown(words, field="asset", asset=asset_id[:120])
