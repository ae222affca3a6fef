"""The contracts of this node, for whoever reads or calls them without us."""

from collections.abc import Iterable
from typing import Final

from node.chain.deployments import DeployedContract
from node.kernel.db.json_sql import hex_text
from node.kernel.db.keyset import Keyset
from node.kernel.hexes import to_bytes

# Nothing of ours is shut that no event ever said so of.
CONTRACTS: Final = Keyset(
    name="contracts",
    item=f"""json_build_object(
        'name', ours.name, 'artifact', ours.artifact, 'address', {hex_text("ours.address")},
        'block', ours.block, 'paused', coalesce(gate.paused, false)
    )""",
    source="""
        FROM unnest(%(names)s::text[], %(artifacts)s::text[], %(addresses)s::bytea[], %(blocks)s::bigint[])
            AS ours (name, artifact, address, block)
        LEFT JOIN chain.gate ON gate.chain_id = %(chain_id)s AND gate.contract = ours.address
        WHERE true
    """,
    key=(("ours.name", "text"),),
    descending=False,
)


def params(chain_id: int, contracts: Iterable[DeployedContract]) -> dict[str, object]:
    """Of `CONTRACTS`."""
    ours = list(contracts)
    return {
        "chain_id": chain_id,
        "names": [contract.name for contract in ours],
        "artifacts": [contract.artifact for contract in ours],
        "addresses": [to_bytes(contract.address) for contract in ours],
        "blocks": [contract.block for contract in ours],
    }
