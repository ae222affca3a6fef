"""What an operator asks for about strangers' contracts; the indexer does it when it next looks."""

import datetime as dt
from dataclasses import dataclass

import msgspec
from faster_eth_abi import decode as abi_decode
from faster_eth_abi.exceptions import DecodingError

from indexer.declared import Declaration
from indexer.foreign import ABI
from indexer.store import Store
from node.chain.abi import selector_of
from node.chain.logs import WORD, Kind, mended
from node.chain.rpc import Failed, RpcClient
from node.chain.tokens import Standard
from node.kernel.errors import Conflict, Invalid, NotFound
from node.kernel.hexes import Address, to_bytes

_DECIMALS_MAX = 255
_TEXT_CHARS_MAX = 200  # of a name or symbol that is kept

_ADD = """
    INSERT INTO chain.foreign_contract
        (chain_id, address, standard, state, from_block, done_block, from_birth, name, symbol, decimals, abi,
         added_at)
    VALUES (%(chain_id)s, %(address)s, %(standard)s, 'backfilling', %(from_block)s, %(from_block)s - 1,
            %(from_birth)s, %(name)s, %(symbol)s, %(decimals)s, %(abi)s::jsonb, %(now)s)
    ON CONFLICT (chain_id, address) DO NOTHING
"""
_REMOVE = """
    UPDATE chain.foreign_contract SET state = 'removing' WHERE chain_id = %s AND address = %s
"""


@dataclass(frozen=True, slots=True)
class Metadata:
    """None: the contract does not say, or not in a form that anybody agreed on."""

    name: str | None
    symbol: str | None
    decimals: int | None


class Asking:
    """On one chain. `start_block` is the first block that this node reads of it."""

    def __init__(self, store: Store, rpc: RpcClient, *, start_block: int) -> None:
        self._store = store
        self._rpc = rpc
        self._start_block = start_block

    async def add_token(
        self, address: Address, standard: Standard, *, from_block: int | None, now: dt.datetime
    ) -> Metadata:
        """Raises `Invalid` where nothing is, or where what came before the first block would be missing."""
        await self._check(address)
        start, birth = await self._start(address, from_block)
        metadata = await read_metadata(self._rpc, address)
        await self._add(
            address=to_bytes(address),
            standard=standard.value,
            from_block=start,
            from_birth=birth,
            name=metadata.name,
            symbol=metadata.symbol,
            decimals=metadata.decimals,
            abi=None,
            now=now,
        )
        return metadata

    async def add_declared(self, item: Declaration, *, now: dt.datetime) -> None:
        """Its tables must be there."""
        await self._check(item.address)
        start, birth = await self._start(item.address, item.from_block)
        await self._add(
            address=to_bytes(item.address),
            standard=ABI,
            from_block=start,
            from_birth=birth,
            name=item.name,
            symbol=None,
            decimals=None,
            abi=msgspec.json.encode(item.abi).decode(),
            now=now,
        )

    async def remove(self, address: Address) -> None:
        if await self._store.run(_REMOVE, (self._store.chain_id, to_bytes(address))) == 0:
            raise NotFound("no such contract is read", address=address)

    async def _add(self, **values: object) -> None:
        if await self._store.run(_ADD, {"chain_id": self._store.chain_id, **values}) == 0:
            raise Conflict("the contract is read already, or is being removed")

    async def _check(self, address: Address) -> None:
        kind = (await self._store.contracts()).get(address, Kind.ERC20)
        if kind != Kind.ERC20:
            raise Invalid("the contract is one of this node's own", address=address, kind=kind)
        if await self._code(address, "latest") == "0x":
            raise Invalid("no contract is at that address", address=address)

    async def _start(self, address: Address, asked: int | None) -> tuple[int, bool | None]:
        """The first block to read, and whether the contract is no older than that."""
        start = self._start_block if asked is None else asked
        if start < self._start_block:
            raise Invalid("this node reads no block before ASOUD_START_BLOCK", start_block=self._start_block)
        birth = start == 0 or await self._born_after(address, start - 1)
        if asked is None and birth is not True:
            raise Invalid("the contract may be older than the first block that is read: say --from-block")
        return start, birth

    async def _born_after(self, address: Address, block: int) -> bool | None:
        code = await self._code(address, hex(block))
        return None if code is None else code == "0x"

    async def _code(self, address: Address, block: str) -> str | None:
        """None where the node does not keep so old a state."""
        (answer,) = await self._rpc.settle("eth_getCode", [(address, block)], returns=str)
        return None if isinstance(answer, Failed) else answer


async def read_metadata(rpc: RpcClient, address: Address) -> Metadata:
    calls = [(address, selector_of(signature)) for signature in ("name()", "symbol()", "decimals()")]
    name, symbol, decimals = await rpc.eth_calls(calls, block="latest")
    return Metadata(_text(name), _text(symbol), _number(decimals))


def _text(answer: bytes | Failed) -> str | None:
    """A string, or the bytes32 of before strings were usual."""
    if isinstance(answer, Failed) or not answer:
        return None
    try:
        raw = answer.rstrip(b"\0") if len(answer) == WORD else abi_decode(["bytes"], answer)[0]
    except (DecodingError, OverflowError, MemoryError, ValueError):
        return None
    return mended(raw)[:_TEXT_CHARS_MAX]


def _number(answer: bytes | Failed) -> int | None:
    if isinstance(answer, Failed) or len(answer) != WORD:
        return None
    value = int.from_bytes(answer)
    return value if value <= _DECIMALS_MAX else None
