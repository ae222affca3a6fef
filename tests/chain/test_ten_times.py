"""What the chain says of a payment, ten times and in every order, with blocks taken back: one effect.

A payment is seen in a block that is not final, lost with it, and seen in another one; told by the indexer,
the book of deposits and the spine again and again, to many consumers at once; then its final block vanishes,
and it comes once more.
"""

import itertools
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from indexer.run import run
from node.bootstrap.reactions import reactions
from node.kernel.spine.event import StoredEvent
from node.kernel.spine.sequencer import Sequencer
from node.services.order.states import Rail
from tests.chain.bazaar import NATIVE, running_bazaar
from tests.chain.rails import PRICE, Rails, Sale, Way
from tests.chain.suite import Suite
from tests.chain_money import ETH
from tests.stack import DatabaseUrls
from wallet.treasury.accounts import LOSS

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

TIMES: Final = 10
THREADS: Final = 5
FINAL: Final = 2  # blocks on top of a final one
# Handlers that a chain's event reaches first; they must bear it again, whatever a cursor says.
FIRST: Final = ("order.escrow", "payment.deposits", "order.payments", "payment.escrow")
OF_CHAIN: Final = ("escrow.funded", "deposit.credited", "deposit.returned", "payment.secured")
OF_ORDER: Final = ("order.placed", "order.paid")
_TOLD = text("""
    SELECT id, position, stream, version, type_name, schema_version, payload, occurred_at FROM kernel.event
    WHERE type_name = ANY (:names) AND (
        payload ->> 'order_id' = ANY (:about) OR payload ->> 'owner' = ANY (:about)
    ) ORDER BY position
""")
_COUNTS = text("""
    SELECT
        (SELECT count(*) FROM payment.step JOIN payment.intent ON intent.id = intent_id
            WHERE order_id = :order_id),
        (SELECT count(*) FROM ledger.hold JOIN ledger.account ON account.id = account_id
            WHERE owner = :owner AND hold.state = 'open'),
        (SELECT coalesce(sum(posted), 0) FROM ledger.account WHERE owner = :owner),
        (SELECT count(*) FROM deposit.deposit WHERE owner = :owner)
""")
_STREAMS = text("""
    SELECT type_name FROM kernel.event WHERE stream = :order OR stream IN (
        SELECT concat_ws(chr(58), 'payment', id) FROM payment.intent WHERE order_id = :order_id
    ) OR payload ->> 'owner' = :owner
""")


@pytest.fixture
async def node(
    fresh_suite: Suite, fresh_database: DatabaseUrls, redis_url: str, tmp_path: Path
) -> AsyncIterator[Rails]:
    more = {"confirmations": FINAL, "access_token_minutes": 24 * 60}
    async with running_bazaar(
        fresh_suite, fresh_database, redis_url, tmp_path, kind=Rails, **more
    ) as running:
        yield running


async def told(node: Rails, times: int = TIMES) -> None:
    """By the chain, the book and the spine; the first time to many consumers of each name at once."""
    services = node.edge.services
    for time in range(times):
        await run(node.settings, exit_at_head=True)
        services.follower.follow(services.database.transaction)
        if time:
            node.hear()
            continue
        for _ in range(3):  # what one hears makes news for another
            Sequencer(services.database).number_once()
            with ThreadPoolExecutor(THREADS) as pool:
                for done in [pool.submit(hear_all, node) for _ in range(TIMES)]:
                    done.result()
        node.assert_none_parked()


def hear_all(node: Rails) -> None:
    for listener in node.listeners():
        listener.run_once()


def handed_over(node: Rails, events: Sequence[StoredEvent]) -> None:
    """Each event ten times in every order, straight to whoever hears it first."""
    table = reactions(node.edge.services)
    for order in itertools.permutations(events):
        for event in [*order] * TIMES:
            for consumer in FIRST:
                handler = table[consumer].get(event.type_name)
                if handler is not None:
                    with node.edge.services.database.transaction() as tx:
                        handler(tx, event)  # type: ignore[operator] - none of these is a task


class Row:
    """One sale by a rail in an asset, and all that the node wrote down of it."""

    def __init__(self, way: Way, sale: Sale, account: uuid.UUID) -> None:
        self.node, self.way, self.sale = way.node, way, sale
        self.owner = f"account:{account}"
        self.is_escrow = way.rail is Rail.ESCROW

    @classmethod
    async def begin(cls, way: Way) -> "Row":
        """All is prepared, and a token approved."""
        sale = await way.place()
        await way.prepare(sale)
        await way.node.send(sale.buyer, sale.steps[:-1])
        way.node.chain.mine(FINAL + 1)
        await told(way.node, 1)
        return cls(way, sale, await way.node.account(sale.buyer))

    async def pay(self) -> None:
        """In a block of its own. After a fork it is the same transaction, with the same nonce."""
        await self.node.send(self.sale.buyer, self.sale.steps[-1:])

    def effects(self) -> tuple[tuple[int, ...], Counter[str]]:
        """Steps of payments, open holds, the balance, deposits; and the events."""
        order_id = uuid.UUID(self.sale.id)
        names = {"order_id": order_id, "order": f"order:{order_id}", "owner": self.owner}
        with self.node.edge.services.database.transaction() as tx:
            counts = tuple(int(one) for one in tx.execute(_COUNTS, names).one())
            return counts, Counter(tx.execute(_STREAMS, names).scalars())

    def loss(self) -> int:
        asset = ETH if self.way.is_coin else self.node.vault.usd
        return -self.node.vault.balance("node", LOSS, asset).posted

    def told(self, names: Sequence[str]) -> list[StoredEvent]:
        about = [f"0x{uuid.UUID(self.sale.id).hex:0>64}", self.sale.id, self.owner]
        with self.node.edge.services.database.transaction() as tx:
            rows = tx.execute(_TOLD, {"names": [*names], "about": about})
            return [StoredEvent(**row) for row in rows.mappings()]


async def becomes_final(row: Row) -> None:
    """Seen, lost in a fork, seen again; only at the end it counts."""
    node, before = row.node, row.effects()
    await row.pay()
    await told(node, 1)
    assert row.effects() == before
    node.chain.reorg(1)
    await told(node, 1)
    await row.pay()
    node.chain.mine(FINAL - 1)
    await told(node, 1)
    assert row.effects() == before
    node.chain.mine(2)
    await told(node)
    counts, events = row.effects()
    assert await row.way.state(row.sale) == ("paid", "authorised")
    assert counts == ((1, 0, 0, 0) if row.is_escrow else (1, 1, PRICE, 1))
    once = {"order.placed", "order.paid", "payment.created", "payment.secured"}
    assert {name for name, count in events.items() if count == 1} >= once
    for names in (OF_CHAIN, OF_ORDER):
        first = row.told(names)
        assert len(first) == 2
        handed_over(node, first)
    assert row.effects() == (counts, events)


async def vanishes_and_comes_again(row: Row) -> None:
    node, (counts, events) = row.node, row.effects()
    node.chain.reorg(FINAL + 2)
    node.chain.mine(FINAL + 1)
    await told(node)
    same, gone = row.effects()
    assert (same, row.loss()) == (counts, 0 if row.is_escrow else PRICE)
    assert gone - events == ({} if row.is_escrow else {"deposit.vanished": 1})
    assert await row.way.state(row.sale) == ("paid", "authorised")
    await row.pay()
    node.chain.mine(FINAL + 1)
    await told(node)
    handed_over(node, row.told(OF_CHAIN))
    same, back = row.effects()
    assert (same, row.loss()) == (counts, 0)
    assert back - gone == ({} if row.is_escrow else {"deposit.returned": 1})


ROWS: Final = [(Rail.ESCROW, False), (Rail.DEPOSIT, True), (Rail.CHECKOUT, False)]
MORE: Final = [(rail, not is_coin) for rail, is_coin in ROWS]


@pytest.mark.parametrize("rows", [ROWS, pytest.param(MORE, marks=pytest.mark.slow)], ids=["rows", "more"])
async def test_one_effect(node: Rails, rows: Sequence[tuple[Rail, bool]]) -> None:
    """Each row is a rail, and whether it is paid in coin."""
    products = await node.open_shop(NATIVE, node.dollar)
    for rail, is_coin in rows:
        asset = NATIVE if is_coin else node.dollar
        row = await Row.begin(Way(node, rail, asset, products[asset]))
        await becomes_final(row)
        await vanishes_and_comes_again(row)
        await row.way.finish(row.sale)
        node.chain.mine(FINAL + 1)
        await told(node, 1)
    node.vault.assert_even()
