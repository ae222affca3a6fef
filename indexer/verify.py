"""Comparing the tables with the contracts, row by row, at the very block that the tables speak of.

Each page of rows is read in one snapshot together with the checkpoint, so rows and block belong together
however fast the chain moves. Where a page differs it is read and asked once more, from a fresh snapshot: only
what differs both times is told.
"""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
from eth_abi.exceptions import DecodingError
from psycopg import sql
from psycopg.rows import class_row

from indexer.codec import Row, codec
from indexer.questions import CHECKS, Check, Question, Value
from indexer.sampling import BALANCES, TOKENS, Place, balance_question, owner_question
from indexer.statements import names, table
from node.chain.artifacts import load_artifact
from node.chain.rpc import CallReverted, ChainMoved, RpcClient
from node.kernel.db.unit_of_work import typed_database_errors
from node.kernel.errors import AsoudError, NotFound
from node.kernel.hexes import Address, Hash32

PAGE = 200  # rows read and asked about at once
LOOKS_MAX = 5  # at one page, when the chain moves meanwhile


@dataclass(frozen=True, slots=True)
class Difference:
    kind: str
    id: str
    database: Value
    chain: Value


@dataclass(frozen=True, slots=True)
class ListingClaim:
    """What the service of listings says of one: may it be bought, time aside?

    `fillable` means: nonce unused, epoch the signer's own, and the seller owns the token.
    """

    id: str
    exchange: Address
    seller: Address
    collection: Address
    token_id: int | Decimal
    nonce: int | Decimal
    epoch: int | Decimal
    fillable: bool


@dataclass(frozen=True, slots=True)
class Listings:
    """How listings are read, by their service: a query that pages by `id`.

    It takes %(chain_id)s, %(after)s (an id, or NULL at first) and %(limit)s, orders by id, and returns the
    columns of `ListingClaim`: addresses as 0x hex text, `id` as text, numbers as numeric.
    """

    query: LiteralString


@dataclass(frozen=True, slots=True)
class _Block:
    number: int
    hash: Hash32


_Page = tuple[_Block, list[Question], Any]  # the cursor of the next page, None at the end
_Read = Callable[[Any], Awaitable[_Page]]

_CHECKPOINT = """
    SELECT number, '0x' || encode(hash, 'hex') FROM chain.checkpoint
    WHERE chain_id = %s AND hash IS NOT NULL
"""


async def verify(
    *, database_url: str, rpc: RpcClient, chain_id: int, listings: Listings | None = None
) -> AsyncIterator[Difference]:
    """Every difference between tables and contracts.

    Raises:
        NotFound: Nothing of this chain was indexed yet.
        ChainMoved: The node was somewhere else than the tables at each of a few looks.
    """
    with typed_database_errors():
        connection = await psycopg.AsyncConnection.connect(
            database_url, autocommit=True, connect_timeout=5, options="-c timezone=UTC"
        )
    async with connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        reader = _Reader(connection, chain_id)
        for check in CHECKS:
            async for difference in _compare(rpc, functools.partial(reader.rows, check)):
                yield difference
        async for difference in _compare(rpc, functools.partial(reader.foreign, Place.anywhere())):
            yield difference
        if listings is not None:
            async for difference in _compare(rpc, functools.partial(reader.listings, listings)):
                yield difference


async def _compare(rpc: RpcClient, read: _Read) -> AsyncIterator[Difference]:
    after: Any = None
    while True:
        following, found = await _look(rpc, read, after)
        if found:
            _, again = await _look(rpc, read, after)
            both = {(item.kind, item.id) for item in found}
            for difference in again:
                if (difference.kind, difference.id) in both:
                    yield difference
        if following is None:
            return
        after = following


async def _look(rpc: RpcClient, read: _Read, after: Any) -> tuple[Any, list[Difference]]:  # noqa: ANN401
    """One page; asked again, a few times, while the node is not at the block of the tables."""
    number = -1
    for _ in range(LOOKS_MAX):
        block, questions, following = await read(after)
        number = block.number
        answers = await _ask(rpc, questions, block)
        if answers is not None:
            return following, [
                Difference(question.kind, question.id, question.database, answer)
                for question, answer in zip(questions, answers, strict=True)
                if answer != question.database
            ]
    raise ChainMoved("the node is not at the block of the tables", number=number)


async def _ask(rpc: RpcClient, questions: Sequence[Question], block: _Block) -> list[Value] | None:
    """None when the node has another block of that number, or no state of it."""
    calls = [
        (question.contract, load_artifact(question.artifact).encode(question.function, *question.args))
        for question in questions
    ]
    head = await rpc.head()
    # A node may keep no old states; "latest" is the same while it stands at our block.
    at: int | str = "latest" if head.number == block.number else block.number
    answers = await rpc.eth_calls(calls, block=at)
    if at == "latest" and (await rpc.head()).hash != block.hash:
        return None
    (header,) = await rpc.headers([block.number])
    if header is None or header.hash != block.hash:
        return None
    if any(isinstance(item, AsoudError) and not isinstance(item, CallReverted) for item in answers):
        return None
    return [_value(question, item) for question, item in zip(questions, answers, strict=True)]


def _value(question: Question, answer: bytes | AsoudError) -> Value:
    if isinstance(answer, AsoudError):
        return question.refused
    if not answer:
        return "no contract"
    function = load_artifact(question.artifact).function(question.function)
    try:
        return question.read(function.decode_output(answer))
    except (ValueError, OverflowError, DecodingError):  # of a stranger's contract
        return "an answer of another form"


class _Reader:
    """Pages of rows with the checkpoint that they belong to."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], chain_id: int) -> None:
        self._connection = connection
        self._chain_id = chain_id

    async def rows(self, check: Check, after: Row | None) -> _Page:
        form = codec(check.model)
        query, params = _page(check, self._chain_id, after)
        with typed_database_errors():
            async with self._connection.transaction():
                block = await self._checkpoint()
                found = await (await self._connection.execute(query, params)).fetchall()
        loaded = [(form.load(text), extra) for text, extra in found]
        questions = [question for row, extra in loaded for question in check.questions(row, extra)]
        full = len(loaded) == PAGE
        return block, questions, {name: loaded[-1][0][name] for name in form.key} if full else None

    async def foreign(self, place: Place, _after: None) -> _Page:
        """A sample, as one page."""
        params = place.params(self._chain_id)
        with typed_database_errors():
            async with self._connection.transaction():
                block = await self._checkpoint()
                balances = await (await self._connection.execute(BALANCES, params)).fetchall()
                tokens = await (await self._connection.execute(TOKENS, params)).fetchall()
        return block, [*map(balance_question, balances), *map(owner_question, tokens)], None

    async def listings(self, listings: Listings, after: str | None) -> _Page:
        params = {"chain_id": self._chain_id, "after": after, "limit": PAGE}
        with typed_database_errors():
            async with self._connection.transaction():
                block = await self._checkpoint()
                async with self._connection.cursor(row_factory=class_row(ListingClaim)) as cursor:
                    await cursor.execute(listings.query, params)
                    claims = await cursor.fetchall()
        questions = [question for claim in claims for question in _listing(claim)]
        return block, questions, claims[-1].id if len(claims) == PAGE else None

    async def _checkpoint(self) -> _Block:
        row = await (await self._connection.execute(_CHECKPOINT, (self._chain_id,))).fetchone()
        if row is None:
            raise NotFound("nothing of this chain was indexed yet", chain_id=self._chain_id)
        return _Block(row[0], Hash32(row[1]))


def _listing(claim: ListingClaim) -> list[Question]:
    """Only of what may be bought: why another may not, the checks of nonces, epochs and owners tell."""
    if not claim.fillable:
        return []

    def ask(kind: str, function: str, args: tuple[object, ...], database: Value) -> Question:
        artifact, contract = (
            ("Collection", claim.collection) if kind == "owner" else ("Exchange", claim.exchange)
        )
        return Question(f"listing.open.{kind}", claim.id, contract, artifact, function, args, database)

    return [
        ask("nonce", "nonceUsed", (claim.seller, int(claim.nonce)), database=False),
        ask("epoch", "epochOf", (claim.seller,), int(claim.epoch)),
        ask("owner", "ownerOf", (int(claim.token_id),), claim.seller),
    ]


def _page(check: Check, chain_id: int, after: Row | None) -> tuple[sql.Composed, list[object]]:
    """The next rows by primary key, each as JSON with the check's extra."""
    form = codec(check.model)
    params: list[object] = [chain_id]
    beyond: sql.Composable = sql.SQL("")
    if after is not None:
        beyond = sql.SQL(
            " AND ({key}) > (SELECT {last} FROM json_populate_record(NULL::{table}, %s::json) AS last)"
        ).format(key=names(form.key, "subject."), last=names(form.key, "last."), table=table(check.model))
        params.append(form.dump([after])[1:-1])
    query = sql.SQL(
        "SELECT row_to_json(subject)::text, ({extra}) FROM {table} AS subject"
        " WHERE subject.chain_id = %s{beyond} ORDER BY {key} LIMIT {limit}"
    ).format(
        extra=sql.SQL(check.extra),
        table=table(check.model),
        beyond=beyond,
        key=names(form.key, "subject."),
        limit=sql.Literal(PAGE),
    )
    return query, params
