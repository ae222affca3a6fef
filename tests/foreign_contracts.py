"""Contracts of strangers, in a few bytes each."""

from collections.abc import Sequence

from node.kernel.hexes import Address, Hash32
from tests.chain_life import Chain

_TOPICS_MAX = 4
_DISPATCH = 8  # bytes for each number of topics


def _push2(number: int) -> bytes:
    return b"\x61" + number.to_bytes(2)


def _logs_with(count: int) -> bytes:
    """Calldata is the number of topics, the topics, and the data, in words."""
    offset = 32 * (count + 1)
    topics = b"".join(b"\x60" + bytes([32 * place]) + b"\x35" for place in range(count, 0, -1))
    size = _push2(offset) + b"\x36\x03"  # calldatasize - offset
    copy = b"\x80" + _push2(offset) + b"\x60\x00\x37"
    return b"\x5b" + topics + size + copy + b"\x60\x00" + bytes([0xA0 + count]) + b"\x00"


def _echo() -> bytes:
    parts = [_logs_with(count) for count in range(_TOPICS_MAX + 1)]
    head_size = 3 + _DISPATCH * len(parts) + 1
    head = b"\x60\x00\x35"
    place = head_size
    for count, part in enumerate(parts):
        head += b"\x80\x60" + bytes([count]) + b"\x14" + _push2(place) + b"\x57"
        place += len(part)
    return head + b"\x00" + b"".join(parts)


def deploy_code(chain: Chain, sender: Address, runtime: bytes) -> Address:
    init = _push2(len(runtime)) + b"\x80\x60\x0c\x60\x00\x39\x60\x00\xf3"
    tx = {"from": sender, "data": "0x" + (init + runtime).hex(), "gas": hex(3_000_000)}
    receipt = chain.receipt(Hash32(chain.rpc("eth_sendTransaction", tx)))
    return Address(receipt["contractAddress"].lower())


class Echo:
    """Logs what it is told to."""

    def __init__(self, chain: Chain, sender: Address, address: Address) -> None:
        self.chain, self.sender, self.address = chain, sender, address

    @classmethod
    def deploy(cls, chain: Chain, sender: Address) -> "Echo":
        return cls(chain, sender, deploy_code(chain, sender, _echo()))

    def on(self, chain: Chain) -> "Echo":
        """The same one, on a copy of the chain."""
        return Echo(chain, self.sender, self.address)

    def log(self, topics: Sequence[str], data: bytes = b"") -> None:
        words = "".join(topic.removeprefix("0x") for topic in topics)
        self.chain.receipt(
            self.chain.send(self.sender, self.address, f"0x{len(topics):064x}{words}{data.hex()}")
        )


def answers_word(chain: Chain, sender: Address, text: bytes) -> Address:
    """Answers every call with one word."""
    return deploy_code(chain, sender, b"\x7f" + text.ljust(32, b"\0") + b"\x60\x00\x52\x60\x20\x60\x00\xf3")


def word(value: int | str) -> str:
    """As a topic, or hex of data."""
    return f"{value:064x}" if isinstance(value, int) else value.removeprefix("0x").rjust(64, "0")
