"""Parameters of views that look at the chain's tables."""

from node.kernel.hexes import Address, Hash32, to_bytes
from node.services.container import Services


def chain_params(services: Services) -> dict[str, object]:
    """What every such view takes: which chain, and the time to judge listings by."""
    return {"chain_id": services.chain.chain_id, "now_s": int(services.clock.now().timestamp())}


def given(**values: object) -> dict[str, object]:
    """The filters that a caller set."""
    return {name: value for name, value in values.items() if value is not None}


def raw(value: Address | Hash32 | None) -> bytes | None:
    """As the columns hold it."""
    return None if value is None else to_bytes(value)
