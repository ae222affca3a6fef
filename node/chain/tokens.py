"""Transfers of tokens that strangers wrote: ERC-20, ERC-721, ERC-1155, and what came before these standards.

Before the standards settled, contracts logged `Transfer` with other parameters indexed (early ERC-721s:
none). The bytes are the same words in the same order, so all of them, or the first two, may be topics. With
one topic alone nobody can tell which word it is.
"""

from enum import StrEnum
from typing import Any

from faster_eth_abi import decode as abi_decode
from faster_eth_abi.exceptions import DecodingError

from node.chain.events import ChainLog
from node.chain.logs import WORD, Undecodable
from node.chain.rpc import Log
from node.kernel.hexes import Address

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TRANSFER_SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
TRANSFER_BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"

_WORDS_OF_TRANSFER = 3  # from, to, value or id
_TOPICS_OF_1155 = 4


class Standard(StrEnum):
    ERC20 = "erc20"
    ERC721 = "erc721"
    ERC1155 = "erc1155"


class ForeignMoved(ChainLog, frozen=True):
    """Amounts that moved from one to another: (token id, amount) each; the id is None for an ERC-20."""

    abi_name = "Transfer"
    sender: Address
    recipient: Address
    items: tuple[tuple[int | None, int], ...]


class ForeignTokenMoved(ChainLog, frozen=True):
    """An ERC-721 token has another owner."""

    abi_name = "Transfer"
    sender: Address
    recipient: Address
    token_id: int


def decode_token(standard: Standard, log: Log) -> ForeignMoved | ForeignTokenMoved | None:
    """None for any event but a transfer.

    Raises:
        Undecodable: It is called a transfer, and its bytes say none.
    """
    topic = log.topics[0] if log.topics else None
    if standard is Standard.ERC1155:
        return _of_1155(topic, log)
    if topic != TRANSFER:
        return None
    sender, recipient, number = _words(log)
    if standard is Standard.ERC721:
        return ForeignTokenMoved(_address(sender), _address(recipient), number)
    return ForeignMoved(_address(sender), _address(recipient), ((None, number),))


def _words(log: Log) -> list[int]:
    topics = log.topics[1:]
    if len(topics) == 1:
        raise Undecodable("one indexed parameter: it could be any")
    text = "".join(topic[2:] for topic in topics) + log.data.hex()
    if len(text) != 2 * WORD * _WORDS_OF_TRANSFER:
        raise Undecodable(f"{len(text) // 2} bytes instead of {WORD * _WORDS_OF_TRANSFER}")
    return [int(text[start : start + 2 * WORD], 16) for start in range(0, len(text), 2 * WORD)]


def _of_1155(topic: str | None, log: Log) -> ForeignMoved | None:
    if topic not in (TRANSFER_SINGLE, TRANSFER_BATCH):
        return None
    if len(log.topics) != _TOPICS_OF_1155:
        raise Undecodable(f"{len(log.topics)} topics instead of {_TOPICS_OF_1155}")
    sender, recipient = (_address(int(word, 16)) for word in log.topics[2:])
    if topic == TRANSFER_SINGLE:
        token_id, amount = _decoded(["uint256", "uint256"], log.data)
        return ForeignMoved(sender, recipient, ((token_id, amount),))
    ids, amounts = _decoded(["uint256[]", "uint256[]"], log.data)
    if len(ids) != len(amounts):
        raise Undecodable(f"{len(ids)} ids and {len(amounts)} amounts")
    return ForeignMoved(sender, recipient, tuple(zip(ids, amounts, strict=True)))


def _decoded(types: list[str], data: bytes) -> tuple[Any, ...]:
    try:
        return tuple(abi_decode(types, data))
    except (DecodingError, OverflowError, MemoryError, ValueError) as error:
        raise Undecodable(f"{type(error).__name__}: {error}"[:300]) from error


def _address(word: int) -> Address:
    if word >> 160:
        raise Undecodable(f"an address out of range: {word:#x}")
    return Address(f"0x{word:040x}")
