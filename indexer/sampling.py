"""Which rows of strangers' tokens `verify` compares: some of each contract, others each time.

All of them would be too many: a token may have more holders than this node has rows of its own.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from indexer.questions import Question
from node.chain.tokens import Standard
from node.kernel.hexes import ZERO_ADDRESS, Address

SAMPLE = 50  # rows of one contract

# From a random place on, and around the end to the beginning.
BALANCES: LiteralString = """
    SELECT asked.standard, '0x' || encode(asked.address, 'hex'), '0x' || encode(sample.holder, 'hex'),
           sample.token_id, sample.balance
    FROM chain.foreign_contract AS asked CROSS JOIN LATERAL (
        (SELECT * FROM chain.foreign_balance AS held
         WHERE held.chain_id = asked.chain_id AND held.contract = asked.address AND held.holder >= %(holder)s
         ORDER BY held.contract, held.holder, held.token_id LIMIT %(limit)s)
        UNION ALL
        (SELECT * FROM chain.foreign_balance AS held
         WHERE held.chain_id = asked.chain_id AND held.contract = asked.address AND held.holder < %(holder)s
         ORDER BY held.contract, held.holder, held.token_id LIMIT %(limit)s)
        LIMIT %(limit)s
    ) AS sample WHERE asked.chain_id = %(chain_id)s AND asked.state = 'live'
"""
TOKENS: LiteralString = """
    SELECT '0x' || encode(asked.address, 'hex'), sample.token_id, '0x' || encode(sample.owner, 'hex')
    FROM chain.foreign_contract AS asked
    CROSS JOIN LATERAL (
        SELECT trunc(max(token_id) * %(fraction)s::numeric) AS id FROM chain.foreign_token AS held
        WHERE held.chain_id = asked.chain_id AND held.contract = asked.address
    ) AS pivot CROSS JOIN LATERAL (
        (SELECT * FROM chain.foreign_token AS held
         WHERE held.chain_id = asked.chain_id AND held.contract = asked.address AND held.token_id >= pivot.id
         ORDER BY held.contract, held.token_id LIMIT %(limit)s)
        UNION ALL
        (SELECT * FROM chain.foreign_token AS held
         WHERE held.chain_id = asked.chain_id AND held.contract = asked.address AND held.token_id < pivot.id
         ORDER BY held.contract, held.token_id LIMIT %(limit)s)
        LIMIT %(limit)s
    ) AS sample WHERE asked.chain_id = %(chain_id)s AND asked.state = 'live'
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sample begins. The same place gives the same rows, but for what changed meanwhile."""

    holder: bytes
    fraction: float

    @classmethod
    def anywhere(cls) -> "Place":
        chance = random.SystemRandom()
        return cls(chance.randbytes(20), chance.random())

    def params(self, chain_id: int) -> dict[str, object]:
        return {
            "chain_id": chain_id,
            "limit": SAMPLE,
            "holder": self.holder,
            "fraction": str(self.fraction),
        }


def balance_question(row: Sequence[object]) -> Question:
    standard, contract, holder, token_id, balance = map(str, row)
    args: tuple[object, ...] = (holder,)
    artifact = "DevDollar"
    if standard == Standard.ERC1155:
        artifact, args = "Editions", (holder, int(token_id))
    name = f"{contract}/{holder}/{token_id}"
    return Question("foreign.balance", name, Address(contract), artifact, "balanceOf", args, int(balance))


def owner_question(row: Sequence[object]) -> Question:
    contract, token_id, owner = map(str, row)
    name, args = f"{contract}/{token_id}", (int(token_id),)
    return Question(
        "foreign.owner", name, Address(contract), "Collection", "ownerOf", args, owner, refused=ZERO_ADDRESS
    )
