"""The chain's state on disk.

anvil's own state file is not written atomically, and a crash in the middle leaves nothing. So the supervisor
asks for the state whenever the head has moved, and replaces the file whole; the one before is kept, for the
day when it helps.
"""

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from node.cli.supervise.canonical import only_canonical
from node.cli.supervise.files import write_whole
from node.cli.supervise.refusal import StartRefused
from node.cli.supervise.rpc import RpcClient, RpcFailed

SAVE_EVERY_S = 0.5  # the indexer waits for the save before it takes a block for final
# Saving stalls the chain: with a large state it takes a sixth of the time at most.
_PAUSE_PER_SAVE = 5
_DUMP_LIMIT_S = 30.0


@dataclass(frozen=True)
class StateFiles:
    """`state.json`, and `state.previous.json` from the save before."""

    folder: Path
    say: Callable[[str], None]

    @property
    def current(self) -> Path:
        return self.folder / "state.json"

    @property
    def previous(self) -> Path:
        return self.folder / "state.previous.json"

    @property
    def durable(self) -> Path:
        """Holds the number of the newest block that a loss of the process cannot take away."""
        return self.folder / "durable-block"

    def write(self, state: bytes, *, head: int) -> None:
        """A crash at any point leaves a whole file under one of the two names."""
        fresh = self.folder / "state.fresh.json"
        write_whole(fresh, state)
        if self.current.exists():
            self.current.replace(self.previous)
        fresh.replace(self.current)
        write_whole(self.durable, str(head).encode())

    def choose(self) -> Path | None:
        """The newest whole state, or None for a new chain.

        Raises `StartRefused` when all that is there is broken.
        """
        self.durable.unlink(missing_ok=True)  # until the next save nobody knows
        present = [p for p in (self.current, self.previous) if p.exists()]
        for path in present:
            if _is_whole(path):
                return path
            # set aside, or the next save would make it the previous one
            path.replace(path.with_suffix(".broken"))
            self.say(f"the chain's state {path.name} is broken; it was set aside")
        if present:
            raise StartRefused(
                f"no state of the chain in {self.folder} can be read: "
                "`scripts/up --reset` starts anew and deletes all data"
            )
        return None


def _is_whole(path: Path) -> bool:
    try:
        state = json.loads(path.read_bytes())
    except ValueError:
        return False
    return isinstance(state, dict) and "accounts" in state


class StateKeeper:
    """Saves the chain when its head has moved since the last save."""

    def __init__(self, rpc: RpcClient, files: StateFiles) -> None:
        self._rpc = rpc
        self._files = files
        self._saved_head: object = None
        self._in_trouble = False

    def forget(self) -> None:
        """The process is a new one: whatever was saved before says nothing about it."""
        self._saved_head = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            started = time.monotonic()
            await self.save_if_moved()
            took_s = time.monotonic() - started
            await asyncio.sleep(max(SAVE_EVERY_S, took_s * _PAUSE_PER_SAVE))

    async def save_if_moved(self) -> None:
        """Never raises for trouble of the chain or the disk: it is said once, and tried again next time."""
        try:
            head = await self._block("latest")
            if head["hash"] != self._saved_head:
                self._files.write(await self._dump(), head=int(str(head["number"]), 16))
                self._saved_head = head["hash"]
            self._in_trouble = False
        except (RpcFailed, OSError, ValueError) as e:
            # a chain that does not answer is the watcher's to report
            if not self._in_trouble and not isinstance(e, RpcFailed):
                self._files.say(f"the chain's state could not be saved: {e}")
            self._in_trouble = True

    async def _dump(self) -> bytes:
        dumped = await self._rpc.call("anvil_dumpState", timeout_s=_DUMP_LIMIT_S)
        state = gzip.decompress(bytes.fromhex(str(dumped).removeprefix("0x")))
        return await only_canonical(state, lambda height: self._block(hex(height)))

    async def _block(self, at: str) -> dict[str, object]:
        block = await self._rpc.call("eth_getBlockByNumber", at, False)  # noqa: FBT003 - JSON-RPC
        if not isinstance(block, dict):
            raise RpcFailed(f"there is no block {at}")
        return block
