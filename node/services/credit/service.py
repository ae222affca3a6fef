"""Taking money that waits. The contract knows what there is, so nothing is kept or checked here."""

from collections.abc import Callable

from node.chain.actions import PayoutActions
from node.chain.artifacts import load_artifact
from node.chain.deployments import DeployedContract, Deployment
from node.chain.steps import TransactionStep
from node.kernel.hexes import Address
from node.services.credit.errors import NoPayouts


class CreditService:
    def __init__(self, deployment: Callable[[], Deployment], actions: Callable[[], PayoutActions]) -> None:
        self._deployment = deployment
        self._actions = actions

    def withdraw(
        self, *, contract: Address, account: Address, asset: Address, to: Address | None
    ) -> list[TransactionStep]:
        """Raises `NoPayouts`; `ExecutionReverted` when nothing waits or it is refused again."""
        found = self._deployment().contracts_by_address().get(contract)
        if found is None or not _pays_out(found):
            raise NoPayouts("no contract of this market pays out there", contract=contract)
        return self._actions().withdraw(found, account=account, asset=asset, to=to)


def _pays_out(contract: DeployedContract) -> bool:
    return any(item.name == "withdrawTo" for item in load_artifact(contract.artifact).selectors.values())
