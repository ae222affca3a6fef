"""Our contracts on a chain, deployed once per process: a further new chain is given the state of the first.

Chains that begin so share their first block. A test of chains that are told apart asks for `anew`.
"""

from pathlib import Path

import requests

from node.bootstrap.deploy import deploy
from node.chain.deployments import Deployment, DeploymentRegistry
from node.kernel.settings import DEV_CHAIN_ID, Settings

_kept: dict[str, object] = {}  # the state of a chain, and the registry's note of what stands there


def deployed_on(rpc_url: str, data_dir: Path, *, anew: bool = False) -> Deployment:
    """On the development chain at that address; noted in `data_dir`."""
    settings = Settings(rpc_url=rpc_url, data_dir=data_dir)
    registry = DeploymentRegistry(settings.deployments_dir)
    if anew or _rpc(rpc_url, "eth_blockNumber") != "0x0":
        return deploy(settings, echo=_quiet)
    if not _kept:
        deploy(settings, echo=_quiet)
        _kept["note"] = registry.load_partial(DEV_CHAIN_ID)
        _kept["state"] = _rpc(rpc_url, "anvil_dumpState")
    else:
        _rpc(rpc_url, "anvil_loadState", _kept["state"])
        _rpc(rpc_url, "evm_mine")  # or the newest block would be as old as the state
        registry.save(_kept["note"])  # type: ignore[arg-type]
    return registry.load(DEV_CHAIN_ID)


def _rpc(url: str, method: str, *params: object) -> object:
    """Also from within an event loop."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    answer = requests.post(url, json=body, timeout=30).json()
    assert "error" not in answer, answer
    return answer["result"]


def _quiet(_said: str) -> None:
    """Who deploys it says nothing in a test."""
