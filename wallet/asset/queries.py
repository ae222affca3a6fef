"""Amounts in the JSON of the query path. Join `asset.asset` under an alias of your choice."""

from typing import LiteralString

from node.kernel.db.json_sql import hex_text


def asset_join(alias: LiteralString, *, chain_id: LiteralString, address: LiteralString) -> LiteralString:
    return (
        f"LEFT JOIN asset.asset AS {alias} ON {alias}.chain_id = {chain_id} AND {alias}.address = {address}"
    )


def asset_json(alias: LiteralString, *, chain_id: LiteralString, address: LiteralString) -> LiteralString:
    """`{"id", "code", "exponent"}`.

    A token that nobody asked for its name yet is shown in its smallest unit, which is never wrong. The native
    coin has 18 decimals on every EVM chain.
    """
    native = f"{address} = '\\x0000000000000000000000000000000000000000'::bytea"
    place = f"CASE WHEN {native} THEN '/slip44:60' ELSE '/erc20:' || {hex_text(address)} END"
    return f"""json_build_object(
        'id', coalesce({alias}.asset_id, 'eip155:' || {chain_id} || {place}),
        'code', coalesce({alias}.code, CASE WHEN {native} THEN 'NATIVE' ELSE 'UNKNOWN' END),
        'exponent', coalesce({alias}.exponent, CASE WHEN {native} THEN 18 ELSE 0 END)
    )"""


def amount_json(
    value: LiteralString, alias: LiteralString, *, chain_id: LiteralString, address: LiteralString
) -> LiteralString:
    """`{"value": "<decimal>", "asset": {...}}`."""
    asset = asset_json(alias, chain_id=chain_id, address=address)
    return f"json_build_object('value', ({value})::text, 'asset', {asset})"
