"""Learning what an ERC-20 calls itself, once: symbol and decimals do not change."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from node.chain.artifacts import load_artifact
from node.chain.client import ChainClient, Read
from node.chain.errors import ExecutionReverted, NotAContract
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import ZERO_ADDRESS, Address, address_from_bytes
from node.kernel.log import get_logger
from node.kernel.money import Asset, erc20_asset, native_asset
from wallet.asset.models import AssetRow

log = get_logger(__name__)

Begin = Callable[[], AbstractContextManager[Tx]]

CODE_CHARS_MAX = 16
EXPONENT_MAX = 36
UNNAMED = "UNKNOWN"
LEARNT_MAX = 200  # currencies of one round of `learn_all`; the allow-list is far shorter

_UNNAMED_CURRENCIES = text("""
    SELECT DISTINCT currency.currency FROM chain.currency AS currency
    LEFT JOIN asset.asset AS asset
        ON asset.chain_id = currency.chain_id AND asset.address = currency.currency
    WHERE currency.chain_id = :chain_id AND asset.address IS NULL
    LIMIT :limit
""")


class AssetService:
    def __init__(self, chain: ChainClient, *, native_code: str) -> None:
        self._chain = chain
        self._native = native_asset(chain.chain_id, code=native_code)

    def learn(self, begin: Begin, address: Address) -> Asset:
        """The asset at that address (zero is the native coin), remembered for the views.

        Raises:
            NotAContract: No ERC-20 answers there.
            Transient: The chain had to be asked and is away.
        """
        if address == ZERO_ADDRESS:
            asset = self._native
        else:
            with begin() as tx:
                row = tx.get(AssetRow, (self._chain.chain_id, address))
            if row is not None:
                return Asset(row.asset_id, row.code, row.exponent)
            asset = self._ask(address)
        with begin() as tx:
            tx.execute(
                insert(AssetRow)
                .values(
                    chain_id=self._chain.chain_id,
                    address=address,
                    asset_id=asset.id,
                    code=asset.code,
                    exponent=asset.exponent,
                )
                .on_conflict_do_nothing()
            )
        return asset

    def learn_all(self, begin: Begin) -> int:
        """The native coin, and each currency without a name yet; returns how many of those there were."""
        self.learn(begin, ZERO_ADDRESS)
        with begin() as tx:
            parameters = {"chain_id": self._chain.chain_id, "limit": LEARNT_MAX}
            unnamed = [
                address_from_bytes(bytes(raw))
                for raw in tx.execute(_UNNAMED_CURRENCIES, parameters).scalars()
            ]
        for address in unnamed:
            try:
                self.learn(begin, address)
            except NotAContract:  # allowed by somebody's mistake: it must not keep the others nameless
                log.warning("currency_nameless", address=address)
        return len(unnamed)

    def _ask(self, address: Address) -> Asset:
        erc20 = load_artifact("IERC20Metadata")
        symbol, decimals = self._chain.read_many(
            [Read(erc20, address, "symbol"), Read(erc20, address, "decimals")]
        )
        if isinstance(symbol, ExecutionReverted) or isinstance(decimals, ExecutionReverted):
            raise NotAContract("no ERC-20 answers there", contract=address)
        if decimals > EXPONENT_MAX:
            raise NotAContract("the token has odd decimals", contract=address, decimals=decimals)
        return erc20_asset(self._chain.chain_id, address, code=_code(symbol), exponent=decimals)


def _code(symbol: str) -> str:
    """What people see beside amounts: a token may call itself anything."""
    code = "".join(char for char in symbol if char.isprintable())[:CODE_CHARS_MAX].strip()
    return code or UNNAMED
