"""The embedded chain: anvil on chain id 31337, whose state the supervisor keeps on disk."""

import platform
import shutil
import sys
from pathlib import Path

from node.cli.supervise.chainstate import StateFiles, StateKeeper
from node.cli.supervise.plan import DEV_CHAIN_ID, REPO
from node.cli.supervise.process import Child
from node.cli.supervise.refusal import StartRefused
from node.cli.supervise.rpc import RpcClient, RpcFailed

MNEMONIC = "test test test test test test test test test test test junk"

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class EmbeddedAnvil:
    """A chain whose blocks of the last moments do not survive `kill -9`: a reorg like any other.

    What is not on disk yet is not final either (`durable`), so no final event is ever taken back.
    """

    name = "anvil"

    def __init__(self, *, folder: Path, port: int, files: StateFiles) -> None:
        self._folder = folder
        self._port = port
        self._files = files
        self._rpc = RpcClient(self.url)
        self.keeper = StateKeeper(self._rpc, files)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ASOUD_RPC_URL": self.url,
            "ASOUD_CHAIN_ID": str(DEV_CHAIN_ID),
            "ASOUD_DURABLE_BLOCK_FILE": str(self._files.durable),
        }

    def prepare(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def child(self, env: dict[str, str]) -> Child:
        return Child(
            name=self.name,
            argv=self.argv,
            env=env,
            cwd=self._folder,
            ready=self._ready,
            before_stop=self.keeper.save_if_moved,
        )

    def argv(self) -> list[str]:
        state = self._files.choose()
        self.keeper.forget()
        return [
            *(str(anvil_binary()), "--host", "127.0.0.1", "--port", str(self._port)),
            *("--chain-id", str(DEV_CHAIN_ID), "--mnemonic", MNEMONIC, "--quiet"),
            *(("--load-state", str(state)) if state else ()),
        ]

    async def after_start(self) -> None:
        """Nothing: contracts are deployed by a job of their own."""

    async def _ready(self) -> bool:
        try:
            return await self._rpc.call("eth_chainId") == hex(DEV_CHAIN_ID)
        except RpcFailed:
            return False


def anvil_binary() -> Path:
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform, sys.platform)
    machine = _ARCHITECTURES.get(platform.machine().lower(), platform.machine())
    packaged = REPO / "node_modules/@foundry-rs" / f"anvil-{system}-{machine}" / "bin/anvil"
    if packaged.exists():
        return packaged
    if found := shutil.which("anvil"):
        return Path(found)
    raise StartRefused(
        f"no anvil for {system} {machine}: run `npm ci --ignore-scripts`, "
        "put an anvil on PATH, or set ASOUD_RPC_URL"
    )
