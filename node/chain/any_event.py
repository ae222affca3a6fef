"""Values of an event of any ABI, in the order of its parameters and in forms that Postgres takes.

Addresses, `bytes` and `bytesN` are 0x hex, structs are dicts. Of an indexed parameter of dynamic size the
chain keeps the hash alone.
"""

from typing import Any

from node.chain.abi import LogEvent, Param, decode_values
from node.chain.logs import Undecodable
from node.chain.rpc import Log


def is_hashed(param: Param) -> bool:
    """Indexed, and too large for a topic."""
    return param.indexed and (param.is_list or bool(param.components) or param.type in ("string", "bytes"))


def event_values(event: LogEvent, log: Log) -> list[Any]:
    """Raises `Undecodable` when the bytes do not fit."""
    if len(log.topics) != len(event.indexed) + 1:
        raise Undecodable(f"{len(log.topics)} topics instead of {len(event.indexed) + 1}")
    try:
        plain = iter(decode_values(event.plain, log.data))
        topics = iter(log.topics[1:])
        values = [_of_topic(param, next(topics)) if param.indexed else next(plain) for param in event.inputs]
    except Exception as error:  # whatever a library makes of a stranger's bytes
        raise Undecodable(f"{type(error).__name__}: {error}"[:300]) from error
    return [_held(value) for value in values]


def _of_topic(param: Param, topic: str) -> Any:  # noqa: ANN401 - any ABI value
    return topic if is_hashed(param) else decode_values((param,), bytes.fromhex(topic[2:]))[0]


def _held(value: Any) -> Any:  # noqa: ANN401 - any ABI value
    """Postgres holds no NUL in texts, nor in JSON."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, dict):
        return {name: _held(item) for name, item in value.items()}
    return [_held(item) for item in value] if isinstance(value, list | tuple) else value
