"""How the logs of an address are read: as those of a kind of ours, of a standard, or of a declared ABI."""

from collections.abc import Callable, Mapping
from functools import partial

from indexer.declared import AbiReader
from node.chain.events import ChainLog
from node.chain.logs import Kind, decode
from node.chain.rpc import Log
from node.chain.tokens import Standard, decode_token
from node.kernel.hexes import Address

ForeignReader = Callable[[Log], ChainLog | None]
Reading = str | ForeignReader  # a `Kind` by its value, or how a stranger is read
Kinds = Mapping[Address, Reading]


def read_log(reading: Reading, log: Log) -> ChainLog | None:
    """None: an event that is not used here.

    Raises:
        Undecodable: The log does not fit.
    """
    return decode(Kind(reading), log) if isinstance(reading, str) else reading(log)


def token_reader(standard: Standard) -> ForeignReader:
    return partial(decode_token, standard)


__all__ = ["AbiReader", "ForeignReader", "Kinds", "Reading", "read_log", "token_reader"]
