"""Commands and effects: one transaction, committed before the answer, and one effect for each key."""

import asyncio
import datetime as dt

import httpx
import psycopg
import pytest
from eth_account.signers.local import LocalAccount
from sqlalchemy import text

from api.access import CurrentPrincipal
from api.commands import EFFECT_LEASE
from api.routing import CommandTx, EffectTx, edge_router, never_stored
from api.schemas import Input, Output, UintOut, UintString
from node.kernel.db import idempotency
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Conflict, Transient
from tests.edge import Edge, include, new_wallet
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

TABLES = """
    CREATE TABLE public.probe (id bigint GENERATED ALWAYS AS IDENTITY, name text, amount numeric);
    CREATE FUNCTION public.refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'late' USING ERRCODE = 'check_violation'; END $$;
    CREATE CONSTRAINT TRIGGER late AFTER INSERT ON public.probe DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.name = 'late') EXECUTE FUNCTION public.refuse_late();
    GRANT ALL ON public.probe TO PUBLIC;
"""
INSERT = text("INSERT INTO public.probe (name, amount) VALUES (:name, :amount) RETURNING id")

router = edge_router("probe", prefix="/v1/probes")


class ProbeIn(Input):
    name: str
    amount: UintString


class ProbeOut(Output):
    id: int
    amount: UintOut


def insert(tx: Tx, body: ProbeIn) -> ProbeOut:
    return ProbeOut(
        id=tx.execute(INSERT, body.model_dump() | {"amount": body.amount}).scalar_one(), amount=body.amount
    )


def react(name: str) -> None:
    if name == "refuse":
        raise Conflict("not now", reason="probe")
    if name == "away":
        raise Transient("come back", retry_after_s=7)
    if name == "crash":
        raise RuntimeError("secret words")


@router.post("/commands", status_code=201)
def command(body: ProbeIn, tx: CommandTx, _: CurrentPrincipal) -> ProbeOut:
    made = insert(tx, body)
    react(body.name)
    if body.name == "slow":
        tx.execute(text("SELECT pg_sleep(0.3)"))
    return made


@router.post("/effects")
def effect(body: ProbeIn, begin: EffectTx, _: CurrentPrincipal) -> ProbeOut:
    with begin() as tx:
        made = insert(tx, body)
    react(body.name)
    if body.name == "slow":
        with begin() as tx:
            tx.execute(text("SELECT pg_sleep(0.3)"))
    return made


@router.post("/tokens")
@never_stored
def token(body: ProbeIn, tx: CommandTx, _: CurrentPrincipal) -> ProbeOut:
    return insert(tx, body)


@router.post("/anonymous")
def anonymous(body: ProbeIn, tx: CommandTx) -> ProbeOut:
    return insert(tx, body)


@pytest.fixture
async def probes(edge: Edge, fresh_database: DatabaseUrls) -> "Probes":
    with psycopg.connect(fresh_database.owner, autocommit=True) as connection:
        connection.execute(TABLES)
    include(edge, router, public=("/v1/probes/anonymous",))
    wallet = new_wallet()
    return Probes(edge, wallet, await edge.sign_in(wallet))


class Probes:
    def __init__(self, edge: Edge, wallet: LocalAccount, caller: dict[str, str]) -> None:
        self.edge = edge
        self.wallet = wallet
        self.caller = caller

    async def post(
        self, route: str, name: str, *, key: str | None = None, amount: str = "5", **more: str
    ) -> httpx.Response:
        headers = self.caller | more | ({"Idempotency-Key": key} if key is not None else {})
        return await self.edge.client.post(
            f"/v1/probes/{route}", json={"name": name, "amount": amount}, headers=headers
        )

    def count(self) -> int:
        with self.edge.services.database.transaction() as tx:
            return int(tx.execute(text("SELECT count(*) FROM public.probe")).scalar_one())


async def test_a_command_answers_and_has_committed(probes: Probes) -> None:
    answer = await probes.post("commands", "a", amount=str(2**256 - 1))
    assert answer.status_code == 201
    assert answer.json()["amount"] == str(2**256 - 1)
    assert probes.count() == 1


async def test_a_refused_command_changes_nothing(probes: Probes) -> None:
    answer = await probes.post("commands", "refuse")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() | {"request_id": ""} == {
        "type": "/problems/conflict",
        "title": "State has moved on or forbids it now",
        "status": 409,
        "detail": "not now",
        "code": "conflict",
        "reason": "probe",
        "request_id": "",
    }
    assert probes.count() == 0


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("route", ["commands", "tokens"])
async def test_a_failing_commit_is_a_problem_and_never_a_success(
    probes: Probes, route: str, key: str | None
) -> None:
    answer = await probes.post(route, "late", key=key)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "internal"
    assert "late" not in answer.text
    assert probes.count() == 0


async def test_a_crash_tells_nothing_of_our_insides(probes: Probes) -> None:
    answer = await probes.post("commands", "crash")
    assert answer.status_code == 500
    assert "secret words" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert probes.count() == 0


async def test_trouble_that_passes_says_when_to_try_again(probes: Probes) -> None:
    answer = await probes.post("commands", "away", key="k")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    again = await probes.post("commands", "fine", key="k")  # nothing was stored, not even the fingerprint
    assert again.status_code == 201


@pytest.mark.parametrize("route", ["commands", "effects"])
async def test_the_same_key_replays_the_first_answer(probes: Probes, route: str) -> None:
    first = await probes.post(route, "a", key="k")
    again = await probes.post(route, "a", key="k")
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert probes.count() == 1


@pytest.mark.parametrize("route", ["commands", "effects"])
async def test_a_refusal_is_replayed_too(probes: Probes, route: str) -> None:
    first = await probes.post(route, "refuse", key="k")
    again = await probes.post(route, "refuse", key="k")
    assert (first.status_code, again.status_code) == (409, 409)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == "application/problem+json"
    assert probes.count() == (0 if route == "commands" else 1)  # an effect's intent stays


async def test_a_command_that_refuses_under_a_key_changes_nothing_else(probes: Probes) -> None:
    await probes.post("commands", "refuse", key="k")
    assert probes.count() == 0


@pytest.mark.parametrize("route", ["commands", "effects"])
async def test_another_request_under_the_same_key_is_refused(probes: Probes, route: str) -> None:
    await probes.post(route, "a", key="k")
    answer = await probes.post(route, "b", key="k")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert probes.count() == 1


async def test_a_key_belongs_to_its_caller_and_its_route(probes: Probes) -> None:
    somebody_else = await probes.edge.sign_in()
    answers = [
        await probes.post("commands", "a", key="k"),
        await probes.post("effects", "a", key="k"),
        await probes.post("commands", "a", key="k", **somebody_else),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 201]
    assert probes.count() == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tin it"])
async def test_a_malformed_key_is_refused(probes: Probes, key: str) -> None:
    answer = await probes.post("commands", "a", key=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_malformed")
    assert probes.count() == 0


async def test_a_key_of_255_characters_is_fine(probes: Probes) -> None:
    answer = await probes.post("commands", "a", key="x" * 255)
    assert answer.status_code == 201


async def test_a_key_without_a_caller_is_refused(probes: Probes) -> None:
    answer = await probes.post("anonymous", "a", key="k", Authorization="")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_anonymous")
    assert probes.count() == 0


async def test_answers_with_tokens_are_never_stored(probes: Probes) -> None:
    await probes.post("tokens", "a", key="k")
    again = await probes.post("tokens", "a", key="k")
    assert "idempotent-replayed" not in again.headers
    assert stored(probes) == 0


@pytest.mark.parametrize("route", ["commands", "effects"])
async def test_a_hundred_at_once_under_one_key_have_one_effect(probes: Probes, route: str) -> None:
    answers = await asyncio.gather(*(probes.post(route, "slow", key="k") for _ in range(100)))
    done = [answer for answer in answers if answer.status_code != 409]
    assert sum("idempotent-replayed" not in answer.headers for answer in done) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency_key_busy"
            assert int(answer.headers["retry-after"]) > 0
    again = await probes.post(route, "slow", key="k")  # what the busy ones do next
    assert again.headers["idempotent-replayed"] == "true"
    assert {(answer.status_code, answer.content) for answer in (*done, again)} == {
        (done[0].status_code, done[0].content)
    }
    assert probes.count() == 1


async def test_a_duplicate_runs_when_the_first_rolls_back(probes: Probes) -> None:
    with probes.edge.services.database.transaction() as tx:  # the first, which will crash before its commit
        tx.execute(HOLD, holding(probes))
        duplicate = asyncio.create_task(probes.post("commands", "a", key="k"))
        await blocked(probes)
        tx.rollback()
    assert (await duplicate).status_code == 201
    assert probes.count() == 1


async def test_a_duplicate_that_waits_too_long_is_told_to_come_back(probes: Probes) -> None:
    with probes.edge.services.database.transaction() as tx:
        tx.execute(HOLD, holding(probes))
        answer = await probes.post("commands", "a", key="k")
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_busy")
    assert int(answer.headers["retry-after"]) > 0
    assert probes.count() == 0


async def test_an_effect_that_crashed_can_be_tried_again_under_its_key(probes: Probes) -> None:
    crashed = await probes.post("effects", "crash", key="k")
    assert crashed.status_code == 500
    again = await probes.post("effects", "crash", key="k")  # runs again: nothing was stored
    assert again.status_code == 500
    assert "idempotent-replayed" not in again.headers
    assert stored(probes) == 0


async def test_an_effect_in_progress_is_busy_until_its_lease_ends(probes: Probes) -> None:
    await probes.post("effects", "a", key="k")
    with probes.edge.services.database.transaction() as tx:  # as a process leaves it that died in the middle
        tx.execute(text("UPDATE kernel.idempotency SET status = NULL, headers = NULL, body = NULL"))
    busy = await probes.post("effects", "a", key="k")
    assert (busy.status_code, busy.json()["code"]) == (409, "idempotency_key_busy")
    probes.edge.clock.advance(EFFECT_LEASE)
    assert (await probes.post("effects", "b", key="k")).json()["code"] == "idempotency_key_reused"
    assert (await probes.post("effects", "a", key="k")).status_code == 200
    assert probes.count() == 2


async def test_keys_are_kept_for_a_day(probes: Probes) -> None:
    await probes.post("commands", "a", key="k")
    probes.edge.clock.advance(idempotency.KEPT - dt.timedelta(seconds=1))
    caller = await probes.edge.sign_in(probes.wallet)
    assert "idempotent-replayed" in (await probes.post("commands", "a", key="k", **caller)).headers
    probes.edge.clock.advance(dt.timedelta(seconds=1))
    assert (await probes.post("commands", "b", key="k", **caller)).status_code == 201
    assert probes.count() == 2


async def test_pruning_removes_what_is_too_old_and_no_more(probes: Probes) -> None:
    await probes.post("commands", "a", key="old")
    probes.edge.clock.advance(dt.timedelta(minutes=30))
    await probes.post("commands", "a", key="young")
    now = probes.edge.clock.now() + idempotency.KEPT - dt.timedelta(minutes=10)
    with probes.edge.services.database.transaction() as tx:
        assert idempotency.prune(tx, now=now) == 1
        assert tx.execute(text("SELECT key FROM kernel.idempotency")).scalar_one() == "young"


HOLD = text("""
    INSERT INTO kernel.idempotency (principal, route, key, fingerprint, created_at)
    SELECT 'account:' || id, 'POST /v1/probes/commands', 'k', 'x', :now FROM identity.account
""")
BLOCKED = text(
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%idempotency%'"
)


def holding(probes: Probes) -> dict[str, dt.datetime]:
    return {"now": probes.edge.clock.now()}


async def blocked(probes: Probes) -> None:
    """Returns when a request waits for somebody else's key."""
    for _ in range(200):
        with probes.edge.services.database.transaction() as tx:
            if tx.execute(BLOCKED).scalar_one():
                return
        await asyncio.sleep(0.01)
    pytest.fail("no request waits")


def stored(probes: Probes) -> int:
    with probes.edge.services.database.transaction() as tx:
        return int(tx.execute(text("SELECT count(*) FROM kernel.idempotency")).scalar_one())
