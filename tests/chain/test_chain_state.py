"""The saved state of the embedded chain brings back the chain that was there, and no other."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar, cast

import pytest

from node.cli.supervise.anvil import EmbeddedAnvil
from node.cli.supervise.board import Board
from node.cli.supervise.canonical import only_canonical
from node.cli.supervise.chainstate import StateFiles
from node.cli.supervise.process import Supervised
from node.cli.supervise.rpc import RpcClient
from tests.stack import free_port

T = TypeVar("T")

pytestmark = pytest.mark.chain


class Chain:
    """One data folder of a chain, and its lives one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.rpc = RpcClient(f"http://127.0.0.1:{self._port}")

    async def live(self, work: Awaitable[T]) -> T:
        files = StateFiles(self._folder / "anvil", print)
        part = EmbeddedAnvil(folder=files.folder, port=self._port, files=files)
        part.prepare()
        board = Board(self._folder / "state.json", self._folder / "log", echo=print)
        running = Supervised(part.child({}), board, self._folder, self._folder)
        await running.bring_up()
        try:
            return await work
        finally:
            await running.stop()

    async def hashes(self) -> list[str]:
        height = int(str(await self.rpc.call("eth_blockNumber")), 16)
        blocks = [await self.rpc.call("eth_getBlockByNumber", hex(n), False) for n in range(height + 1)]
        return [cast("dict[str, str]", block)["hash"] for block in blocks]

    async def mined(self, count: int) -> list[str]:
        await self.rpc.call("anvil_mine", hex(count))
        return await self.hashes()


def test_the_chain_keeps_its_genesis_and_blocks_through_many_lives(tmp_path: Path) -> None:
    chain = Chain(tmp_path)

    async def scenario() -> None:
        known = await chain.live(chain.mined(3))
        # with what anvil forgot in the dump, each life has a chance of its own to go wrong
        for _ in range(6):
            assert await chain.live(chain.hashes()) == known
            grown = await chain.live(chain.mined(1))
            assert grown[:-1] == known
            known = grown

    asyncio.run(scenario())


def test_a_reorg_stays_a_reorg_after_a_restart(tmp_path: Path) -> None:
    chain = Chain(tmp_path)

    async def reorganised() -> tuple[list[str], list[str]]:
        before = await chain.mined(6)
        await chain.rpc.call("anvil_reorg", 4, [])
        return before, await chain.hashes()

    async def scenario() -> None:
        before, after = await chain.live(reorganised())
        assert after[:3] == before[:3]
        assert not set(after[3:]) & set(before[3:])
        for _ in range(4):
            assert await chain.live(chain.hashes()) == after

    asyncio.run(scenario())


def test_blocks_above_a_head_that_went_back_are_forgotten(tmp_path: Path) -> None:
    chain = Chain(tmp_path)

    async def rolled_back() -> list[str]:
        await chain.mined(6)
        await chain.rpc.call("anvil_rollback", 4)
        return await chain.hashes()

    async def scenario() -> None:
        known = await chain.live(rolled_back())
        assert len(known) == 3
        assert await chain.live(chain.hashes()) == known
        grown = await chain.live(chain.mined(2))
        assert grown[:3] == known
        assert await chain.live(chain.hashes()) == grown

    asyncio.run(scenario())


def test_what_is_no_dump_is_not_kept() -> None:
    async def nobody(_: int) -> dict[str, object]:
        raise AssertionError

    for wrong in (b"", b"{}", b'{"blocks": 1}', b'{"blocks": [{"header": {}}]}', b"[]"):
        with pytest.raises(ValueError, match="not a dump"):
            asyncio.run(only_canonical(wrong, nobody))
