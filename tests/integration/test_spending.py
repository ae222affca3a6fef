"""Bounds of spending: nothing gets past them, however many spend at once; raising one takes time or proof."""

import datetime as dt
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.v1.spending import LimitOut
from node.kernel.clock import FixedClock
from node.kernel.db.unit_of_work import Database
from node.kernel.money import Amount
from node.services.spending.errors import LimitExceeded
from node.services.spending.service import Rule, SpendingService
from tests.edge import Edge
from tests.purse import EUR, KWD, Person, person, refusal
from tests.second_proof import with_totp
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


async def limit(who: Person) -> LimitOut:
    items = (await who.get("/v1/me/spending-limits"))["items"]
    [found] = [item for item in items if item["asset"] == EUR.id]
    return LimitOut.model_validate_json(json.dumps(found))


async def bound(who: Person, **body: str | None) -> int:
    answer = await who.put("/v1/me/spending-limits", {"asset": EUR.id, **body})
    return answer.status_code


async def test_the_nodes_bounds_hold_at_once_by_day_and_by_month(edge: Edge) -> None:
    sara = await person(edge, Amount(EUR, 100_000_000))
    await with_totp(edge, sara.headers)
    await (await person(edge)).named("omar")
    too_much = await sara.pay({"handle": "omar"}, 500_001)
    assert refusal(too_much) == (409, "limit_exceeded")
    assert {k: too_much.json()[k] for k in ("per", "limit", "spent")} == {
        "per": "operation",
        "limit": "500000",
        "spent": "0",
    }
    assert [(await sara.pay({"handle": "omar"}, 500_000)).status_code for _ in range(2)] == [200, 200]
    over = await sara.pay({"handle": "omar"}, 1)
    assert (over.json()["per"], over.json()["spent"]) == ("day", "1000000")
    assert (await limit(sara)).spent.day == 1_000_000


async def test_own_bounds_fall_at_once_and_rise_after_a_day_or_a_proof(edge: Edge) -> None:
    sara = await person(edge, Amount(EUR, 10_000))
    await (await person(edge)).named("omar")
    assert await bound(sara, operation="100", day="150") == 200
    assert refusal(await sara.pay({"handle": "omar"}, 101)) == (409, "limit_exceeded")
    assert (await sara.pay({"handle": "omar"}, 100)).status_code == 200
    assert refusal(await sara.pay({"handle": "omar"}, 51)) == (409, "limit_exceeded")
    assert await bound(sara, operation="40", day=None) == 200  # one lower, one higher
    found = await limit(sara)
    assert (found.own and found.own.operation, found.own and found.own.day) == (40, 150)
    assert found.raised is not None
    assert found.raised.day is None
    edge.clock.advance(dt.timedelta(hours=24))
    await sara.renew()
    found = await limit(sara)
    assert (found.own and found.own.day, found.raised_at) == (None, None)
    assert refusal(await sara.pay({"handle": "omar"}, 41)) == (409, "limit_exceeded")
    assert (await sara.pay({"handle": "omar"}, 40)).status_code == 200
    await with_totp(edge, sara.headers)
    assert await bound(sara, operation="9000") == 200
    assert (await sara.pay({"handle": "omar"}, 9_000)).status_code == 200
    answer = await sara.put("/v1/me/spending-limits", {"asset": KWD.id})
    assert refusal(answer) == (422, "asset_unknown")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.lists(st.integers(1, 60), min_size=4, max_size=16),
    day=st.integers(1, 200),
    month=st.integers(1, 300),
)
def test_many_connections_never_pass_a_bound_together(
    module_database: DatabaseUrls, amounts: list[int], day: int, month: int
) -> None:
    """What got through is as much as fits: whatever was refused would have passed a bound at that moment."""
    clock = FixedClock(NOON)
    rules = {EUR.id: Rule(operation=50, day=day, month=month)}
    service = SpendingService(clock, rules, raise_after=dt.timedelta(hours=24))
    database = Database(module_database.app, pool_size=6)
    owner = f"account:{uuid.uuid4()}"

    def spend(amount: int) -> int:
        try:
            with database.transaction() as tx:
                service.take(tx, owner, Amount(EUR, amount), account_id=None)
        except LimitExceeded:
            return 0
        return amount

    with ThreadPoolExecutor(6) as pool:
        first = list(pool.map(spend, amounts))
    clock.advance(dt.timedelta(days=1))  # another day, and another month
    with ThreadPoolExecutor(6) as pool:
        second = list(pool.map(spend, amounts))
    database.dispose()
    for spent in (first, second):
        bound_of_both = min(day, month)
        assert sum(spent) <= bound_of_both
        refused = [amount for amount, got in zip(amounts, spent, strict=True) if not got and amount <= 50]
        assert all(sum(spent) + amount > bound_of_both for amount in refused)
