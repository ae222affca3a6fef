"""Commands and effects: one transaction, committed before the answer, and one effect for each key."""

import httpx
import psycopg
import pytest
from sqlalchemy import text

from api.access import CurrentPrincipal
from api.routing import CommandTx, EffectTx, edge_router, never_stored
from api.schemas import Input, Output, UintOut, UintString
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Conflict, Transient
from tests.edge import Edge
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.anyio]

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
    if body.name == "stuck":
        tx.execute(text("SELECT pg_sleep(3)"))
    return made


@router.post("/effects")
def effect(body: ProbeIn, begin: EffectTx, _: CurrentPrincipal) -> ProbeOut:
    with begin() as tx:
        made = insert(tx, body)
    react(body.name)
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
    edge.app.include_router(router)
    return Probes(edge, await edge.sign_in())


class Probes:
    def __init__(self, edge: Edge, caller: dict[str, str]) -> None:
        self.edge = edge
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
