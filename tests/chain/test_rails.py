"""Every rail x what can happen, on real parts: the same ends, ledger equals chain to the unit, none is stuck.

`docs/payments.md` has the table; ASOUD_WRITE_DOCS=1 writes it anew.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from node.services.gateway.reconciling import SETTLING
from node.services.order.states import Rail
from node.services.order.verify import differences
from scripts.docs_pages import with_block
from tests.chain.bazaar import NATIVE, Person, running_bazaar
from tests.chain.rails import CHAIN_RAILS, EUR, PRICE, UNFUNDED, Rails, Sale, Way
from tests.chain.suite import Suite
from tests.sandbox import SECRET, Sandbox, running_sandbox
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

PAGE: Final = Path(__file__).parents[2] / "docs" / "payments.md"
FEE: Final = PRICE * 250 // 10_000
_PARKED = text("SELECT id::text FROM payment.intent WHERE state = 'parked' ORDER BY id::text")
_TOLD = text("""
    SELECT details ->> 'payment_id' FROM incident.incident
    WHERE kind = 'payment.amount' AND resolved_at IS NULL ORDER BY details ->> 'payment_id'
""")
_STUCK = text("""
    SELECT (SELECT coalesce(sum(held), 0) FROM ledger.account)
        + (SELECT coalesce(sum(abs(posted)), 0) FROM ledger.account WHERE purpose IN ('escrow', 'passing'))
        + (SELECT coalesce(sum(held), 0) FROM chain.escrow)
""")


async def exact(way: Way) -> Sale:
    sale = await way.place()
    await way.pay(sale)
    await way.finish(sale)
    return sale


async def partial(way: Way) -> Sale:
    sale = await way.place(PRICE - 1)
    await way.pay(sale, -1)
    await way.finish(sale)
    return sale


async def over(way: Way) -> Sale:
    sale = await way.place(PRICE + 1)
    await way.pay(sale, 1)
    await way.finish(sale)
    return sale


async def late(way: Way) -> Sale:
    """All was ready to be paid before the order's time was over, and then it is paid."""
    sale = await way.place()
    await way.prepare(sale)
    way.node.pass_minutes(2 * int(UNFUNDED.total_seconds()) // 60)
    way.node.expire()
    assert (await way.state(sale))[0] == "expired"
    if way.rail is Rail.CHECKOUT:  # the contract does not take it any more; a wallet can send it all the same
        assert not way.contract_takes(sale, int(sale.steps[-1]["transaction"]["value"]))
        way.send_to_address(sale)
        await way.node.catch_up()
    else:
        await way.pay(sale)
    await way.finish(sale)
    return sale


async def refund(way: Way) -> Sale:
    sale = await way.place()
    await way.pay(sale)
    await way.act(sale, way.node.seller, "refund")
    return sale


async def partial_refund(way: Way) -> Sale:
    sale = await way.place()
    await way.pay(sale)
    await way.act(sale, way.node.seller, "refund-part", {"amount": str(PRICE // 2)})
    await way.finish(sale)
    return sale


async def dispute(way: Way) -> Sale:
    sale = await way.place()
    await way.pay(sale)
    await way.act(sale, way.node.seller, "ship", {"tracking": "parcel"})
    await way.act(sale, sale.buyer, "dispute", {"evidence": "a stone in the box"})
    await way.act(sale, way.node.arbiter, "rule", {"to_seller": "0", "reason": "it is one"})
    return sale


async def timeout(way: Way) -> Sale:
    """Nobody ships: on the chain anybody sends what the deadline allows, else it happens by itself."""
    sale = await way.place()
    await way.pay(sale)
    way.node.pass_minutes(15)
    if way.rail is Rail.ESCROW:
        await way.act(sale, sale.buyer, "refund-expired")
    way.node.act_due()
    return sale


CASES: Final[Mapping[str, Callable[[Way], Awaitable[Sale]]]] = {
    "exact": exact,
    "partial": partial,
    "over": over,
    "late": late,
    "refund": refund,
    "partial refund": partial_refund,
    "dispute": dispute,
    "timeout": timeout,
}
# Order and payment, on every rail but for what depends on it by its nature.
ENDS: Final = {
    "exact": "completed, captured",
    "over": "completed, captured",
    "refund": "refunded, refunded",
    "partial refund": "completed, partly_refunded",
    "dispute": "ruled, refunded",
    "timeout": "refunded, refunded",
}
ENDS_APART: Final = {
    (Rail.ESCROW, "partial"): "placed, created",
    (Rail.BALANCE, "partial"): "placed, no money",
    (Rail.HOLD, "partial"): "placed, no money",
    (Rail.GATEWAY, "partial"): "placed, parked",
    (Rail.DEPOSIT, "partial"): "placed, requires_action",
    (Rail.CHECKOUT, "partial"): "placed, requires_action",
    (Rail.GATEWAY, "over"): "placed, parked",
    (Rail.ESCROW, "late"): "completed, captured",
    (Rail.BALANCE, "late"): "expired, no money",
    (Rail.HOLD, "late"): "expired, no money",
    (Rail.GATEWAY, "late"): "completed, captured",
    (Rail.DEPOSIT, "late"): "expired, expired",
    (Rail.CHECKOUT, "late"): "expired, expired",
}
# Of the price: to the seller, to the buyer, fee. An order that was never paid has none of it.
SPLITS: Final = {
    "completed, captured": (PRICE - FEE, 0, FEE),
    "completed, partly_refunded": (PRICE - PRICE // 2 - FEE // 2, PRICE // 2, FEE // 2),
    "refunded, refunded": (0, PRICE, 0),
    "ruled, refunded": (0, PRICE, 0),
}
# What the buyer has on the node afterwards, where its ledger has his money: what he brought and did not pay.
KEEPS: Final = {
    "exact": 0,
    "partial": PRICE - 1,
    "over": 1,
    "late": PRICE,
    "refund": PRICE,
    "partial refund": PRICE // 2,
    "dispute": PRICE,
    "timeout": PRICE,
}
BY_LEDGER: Final = (Rail.BALANCE, Rail.HOLD, Rail.DEPOSIT, Rail.CHECKOUT)


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Whose report is of this node alone."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
async def node(
    fresh_suite: Suite, fresh_database: DatabaseUrls, redis_url: str, tmp_path: Path, sandbox: Sandbox
) -> AsyncIterator[Rails]:
    options = {"sandbox.url": sandbox.url, "sandbox.secret": SECRET}
    async with running_bazaar(
        fresh_suite,
        fresh_database,
        redis_url,
        tmp_path,
        kind=Rails,
        gateways="sandbox",
        gateway_options={name: SecretStr(value) for name, value in options.items()},
        order_unfunded_minutes=int(UNFUNDED.total_seconds()) // 60,
        access_token_minutes=24 * 60,
    ) as running:
        running.gateway = sandbox
        yield running
        running.edge.services.gateway.choice.provider("sandbox")._http.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("turn", [0, pytest.param(1, marks=pytest.mark.slow)])
async def test_every_rail_ends_alike(node: Rails, turn: int) -> None:
    """On the chain, cells take turns in coin and in a token; the slow run has those the other way round."""
    currencies = (NATIVE, node.dollar)
    products = await node.open_shop(*currencies, EUR.id)
    cells: dict[tuple[Rail, str], str] = {}
    purses: list[tuple[Person, str]] = []
    for column, (name, case) in enumerate(CASES.items()):
        for row, rail in enumerate(Rail):
            asset = currencies[(row + column + turn) % 2] if rail in CHAIN_RAILS else EUR.id
            way = Way(node, rail, asset, products[asset])
            sale = await case(way)
            cell = cells[rail, name] = ", ".join(await way.state(sale))
            assert cell == ENDS_APART.get((rail, name), ENDS.get(name)), (rail, name)
            await assert_shared(way, rail, sale, name, cell)
            if rail in {Rail.DEPOSIT, Rail.CHECKOUT} and KEEPS[name]:
                purses.append((sale.buyer, asset))
    await node.withdraw_all(purses)
    assert_even(node)
    told = with_block(PAGE.read_text(), "rails", table(cells))
    if os.environ.get("ASOUD_WRITE_DOCS"):
        PAGE.write_text(told)
    assert PAGE.read_text() == told


async def assert_shared(way: Way, rail: Rail, sale: Sale, name: str, cell: str) -> None:
    """Everybody has his part, and nobody anything in between."""
    node = way.node
    order = await node.read(sale.buyer, sale.id)
    parts = [int(order[part] or 0) for part in ("to_seller", "to_buyer", "fee")]
    wanted = SPLITS.get(cell, (0, 0, 0))
    assert parts[1] == wanted[1], (rail, name)
    assert abs(parts[2] - wanted[2]) <= 1, (rail, name)  # the dust of a fee
    assert sum(parts) == sum(wanted), (rail, name)
    kept = KEEPS[name] if rail in BY_LEDGER else 0
    assert await node.has(sale.buyer, way.asset) == (kept, 0), (rail, name)
    if rail is Rail.ESCROW and not way.is_coin:
        paid = parts[0] + parts[2]
        assert node.balance(sale.buyer.address, node.suite.dollar) == 2 * PRICE - paid, name
    if rail is Rail.GATEWAY and cell in SPLITS:
        lines = [line for line in node.sandbox.report() if line["payment_id"] == sale.payment_id]
        assert sum(int(str(line["amount"])) for line in lines) == PRICE - parts[1], name
    with node.edge.services.database.transaction() as tx:
        assert tx.execute(_STUCK).scalar_one() == 0, (rail, name)


def assert_even(node: Rails) -> None:
    """Ledger, chain, contract and gateway say the same; parked payments are told to an operator."""
    node.vault.assert_even()
    escrow = node.suite.deployment.escrow.address
    assert node.balance(escrow) == node.balance(escrow, node.suite.dollar) == 0
    services = node.edge.services
    with services.database.transaction() as tx:
        assert differences(tx) == []
        parked = tx.execute(_PARKED).scalars().all()
        assert tx.execute(_TOLD).scalars().all() == parked
    node.edge.clock.advance(SETTLING * 2)
    for result in services.reconciliation.reconcile(services.database.transaction):
        assert result.comparison is not None, result.trouble
        found = [difference.key.partition(":")[0] for difference in result.comparison.differences]
        assert sorted(found) == (parked if result.source == "gateway-sandbox" else []), result.source
    assert len(parked) == 2


def table(cells: Mapping[tuple[Rail, str], str]) -> str:
    lines = [f"| | {' | '.join(CASES)} |", f"|---|{'---|' * len(CASES)}"]
    lines += [f"| `{rail.value}` | {' | '.join(cells[rail, name] for name in CASES)} |" for rail in Rail]
    return "\n".join(lines)
