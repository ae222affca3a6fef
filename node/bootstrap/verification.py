"""What a block explorer wants to know of each contract, beside the compiler's input.

The inputs themselves are written by `scripts/build-contracts --verification FOLDER`.
"""

import json

from node.chain.artifacts import ARTIFACTS_DIR, load_artifact
from node.chain.client import ChainClient
from node.chain.deployments import DeployedContract, DeploymentRegistry
from node.kernel.settings import Settings


def verification_of(settings: Settings) -> list[dict[str, str]]:
    """Of each deployed contract: address, `source:Name`, compiler, and its constructor's arguments as hex.

    Raises `NotDeployed` when the suite is missing or half done.
    """
    deployment = DeploymentRegistry(settings.deployments_dir).load(settings.chain_id)
    urls = [endpoint.url for endpoint in settings.endpoints]
    with ChainClient(urls, chain_id=settings.chain_id, timeout_s=settings.rpc_timeout_s) as client:
        return [_told(client, contract) for contract in deployment]


def _told(client: ChainClient, contract: DeployedContract) -> dict[str, str]:
    raw = json.loads((ARTIFACTS_DIR / f"{contract.artifact}.json").read_bytes())
    sent = client.transaction_data(contract.tx_hash)
    code = load_artifact(contract.artifact).bytecode
    return {
        "name": contract.name,
        "address": contract.address,
        "contract": f"{raw['source']}:{contract.artifact}",
        "input": f"{contract.artifact}.json",
        "compiler": raw["compiler"]["version"],
        "constructor_arguments": sent[len(code) :].hex(),
    }
