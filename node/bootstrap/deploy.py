"""Puts the suite of contracts on a chain, by the plan in `contracts/deployment.json`.

Safe to run again at any time: what stands with the right code is left alone, what is half done is finished.
Each transaction is noted in the registry's file before it is sent, so a crash in between makes no second
contract. On a development chain anything that does not fit (another genesis, changed code, a chain that lost
its tail) is deployed anew; on a public chain it is refused, because money may lie in the old contracts.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from eth_utils.crypto import keccak

from node.bootstrap.offices import arbiters_of, guardians_of
from node.chain.artifacts import Artifact, load_artifact
from node.chain.client import Call, ChainClient, Read, Receipt, tx_hash_of
from node.chain.deployments import (
    ARTIFACT_OF,
    NAME_OF,
    PLAN_NAME_OF,
    DeployedContract,
    Deployment,
    DeploymentRegistry,
    PartialDeployment,
)
from node.chain.errors import ExecutionReverted
from node.chain.plan import CallStep, DeployStep, Resolver, Step, load_plan
from node.kernel.errors import Bug
from node.kernel.hexes import Address, Hash32, hash_from_bytes, parse_address
from node.kernel.settings import DEV_CHAIN_ID, Settings
from wallet.custody.dev import DevSigner, dev_addresses
from wallet.custody.keystore import KeystoreSigner
from wallet.custody.signer import Signer, Transaction

# A public chain may be slow to take a transaction in; a run that was cut off goes on where it stopped.
RECEIPT_TIMEOUT_S = 300.0
# The state may move between the estimate and the block.
GAS_MARGIN_PERCENT = 120
_MANAGER = "AccessManager"
_NO_ROLE = b"\0" * 32
DEV_VOTES_EACH = 1_000_000 * 10**18
DEV_DOLLARS_EACH = 1_000_000 * 10**6


class DeploymentMismatch(Bug):
    """The registry tells of contracts that this chain does not have, or not as this version is built for."""


class DeployerMissing(Bug):
    """The settings do not say who deploys on a public chain, or for whom."""


class DeploymentFailed(Bug):
    """A transaction of the deployment was mined and failed."""


def deploy(settings: Settings, *, echo: Callable[[str], None]) -> Deployment:
    """Raises a `Transient` when the chain cannot be asked; then run it again."""
    signer = deployer_of(settings)
    registry = DeploymentRegistry(settings.deployments_dir)
    urls = [endpoint.url for endpoint in settings.endpoints]
    with ChainClient(
        urls,
        chain_id=settings.chain_id,
        timeout_s=settings.rpc_timeout_s,
        per_second=settings.rpc_per_second,
    ) as client:
        client.check_chain()
        run = _Run(client, signer, registry, echo)
        deployment = run.follow_plan(_first_holders(settings) | _first_members(settings))
        if deployment.dev_dollar is not None:
            run.fund_dev_accounts(deployment.dev_dollar)
    return deployment


def deployer_of(settings: Settings) -> Signer:
    if settings.keystore_path is not None and settings.keystore_password_file is not None:
        return KeystoreSigner(
            settings.keystore_path, password_file=settings.keystore_password_file, chain_id=settings.chain_id
        )
    if settings.chain_id == DEV_CHAIN_ID:
        return DevSigner(0, chain_id=settings.chain_id)
    raise DeployerMissing("set ASOUD_KEYSTORE_PATH and ASOUD_KEYSTORE_PASSWORD_FILE to deploy on this chain")


def _first_holders(settings: Settings) -> dict[str, Any]:
    """Who gets the votes; nobody can make more of them later."""
    if settings.votes_holders:
        holders = {parse_address(address): amount for address, amount in settings.votes_holders.items()}
    elif settings.chain_id == DEV_CHAIN_ID:
        holders = dict.fromkeys(dev_addresses(), DEV_VOTES_EACH)
    else:
        raise DeployerMissing("set ASOUD_VOTES_HOLDERS: without first holders nobody could ever vote")
    return {"votesHolders": list(holders), "votesAmounts": list(holders.values())}


def _called(step: Step) -> str | None:
    return step.contract if isinstance(step, CallStep) else None


def _artifact(planned: str) -> Artifact:
    return load_artifact(ARTIFACT_OF[NAME_OF[planned]])


def _first_members(settings: Settings) -> dict[str, Any]:
    """Who has a role from the start, beside the treasury."""
    guardians = guardians_of(settings)
    if not guardians:
        raise DeployerMissing("set ASOUD_GUARDIANS: without one nobody could pause at once")
    return {"guardians": guardians, "arbiters": arbiters_of(settings)}


class _Run:
    """One run of the plan. `self._state` is what the registry's file says, and is saved at each step."""

    def __init__(
        self,
        client: ChainClient,
        signer: Signer,
        registry: DeploymentRegistry,
        echo: Callable[[str], None],
    ) -> None:
        self._client = client
        self._signer = signer
        self._registry = registry
        self._echo = echo
        self._is_dev = client.chain_id == DEV_CHAIN_ID
        self._plan = load_plan(client.chain_id)
        self._state = self._resume()

    def follow_plan(self, first_holders: dict[str, Any]) -> Deployment:
        parameters = {**self._plan.parameters, **first_holders}
        self._adopt_pending()
        self._survey()
        for called, steps in groupby(self._plan.steps, key=_called):
            if called is not None:
                self._ensure_calls(called, steps, self._resolver(parameters))
                continue
            for step in steps:
                if isinstance(step, DeployStep):
                    self._ensure_contract(step, self._resolver(parameters))
        return self._state.complete()

    def _resolver(self, parameters: dict[str, Any]) -> Resolver:
        return Resolver(parameters, self._plan.roles, self._addresses(), self._signer.address, self._view)

    def fund_dev_accounts(self, dollar: DeployedContract) -> None:
        """Play money for each dev account that has none."""
        artifact = load_artifact(dollar.artifact)
        reads = [Read(artifact, dollar.address, "balanceOf", (account,)) for account in dev_addresses()]
        balances = self._client.read_many(reads)
        for account, balance in zip(dev_addresses(), balances, strict=True):
            if balance == 0:
                data = artifact.encode("mint", account, DEV_DOLLARS_EACH)
                self._send(to=dollar.address, data=data, what="mint of development dollars")

    # Where an earlier run stopped

    def _resume(self) -> PartialDeployment:
        genesis = self._client.genesis_hash()
        found = self._registry.load_partial(self._client.chain_id)
        if found is not None and found.genesis_hash == genesis:
            return found
        if found is not None:
            self._only_in_development("the chain was swapped for another with the same id")
            self._echo("this is a new chain: deploying anew")
            self._registry.forget(self._client.chain_id)
        return PartialDeployment(self._client.chain_id, genesis)

    def _adopt_pending(self) -> None:
        """Waits for a creation that was sent before a crash; forgets one that never got out."""
        for name, tx_hash in list(self._state.pending.items()):
            if self._client.is_known(tx_hash):
                receipt = self._client.wait_receipt(tx_hash, timeout_s=RECEIPT_TIMEOUT_S)
                if receipt.succeeded:
                    self._note_contract(name, receipt)
                    continue
            del self._state.pending[name]
            self._registry.save(self._state)

    # Contracts

    def _survey(self) -> None:
        """Leaves in the state what stands and speaks to what stands; the next step saves it."""
        lost: set[str] = set()
        for contract in self._state.contracts.values():
            if not self._stands(contract):
                self._mark_lost(contract.planned_as, lost)
        for planned in lost:
            self._state.contracts.pop(NAME_OF[planned], None)
        if self._is_dev and self._manager_lacks_some():
            self._mark_lost(_MANAGER, lost)
            for planned in lost:
                self._state.contracts.pop(NAME_OF[planned], None)

    def _manager_lacks_some(self) -> bool:
        """A manager that was handed over can be told of no new contract by us."""
        known = self._addresses()
        told = [step.needs() for step in self._plan.steps if _called(step) == _MANAGER]
        return _MANAGER in known and not set.union(*told) <= set(known) and not self._rules_over(_MANAGER)

    def _mark_lost(self, contract: str, lost: set[str]) -> None:
        """With a contract go those that were told its address, by constructor or by a call."""
        if contract in lost:
            return
        lost.add(contract)
        for step in self._plan.steps:
            if contract in step.needs():
                self._mark_lost(step.contract, lost)

    def _ensure_contract(self, step: DeployStep, resolver: Resolver) -> None:
        name = NAME_OF[step.contract]
        if name in self._state.contracts:
            return
        self._echo(f"deploying {step.contract}")
        data = load_artifact(step.artifact).creation_data(resolver.all(step.arguments))
        receipt = self._send(to=None, data=data, what=f"creation of {step.contract}", note=name)
        self._note_contract(name, receipt)

    def _stands(self, contract: DeployedContract) -> bool:
        """Whether the registered address has the registered code, and that is the code of our artifact."""
        code = self._client.code(contract.address)
        if not code:
            self._only_in_development(f"{contract.artifact} has no code at its registered address")
            return False
        same = hash_from_bytes(keccak(code)) == contract.code_hash
        if same and load_artifact(contract.artifact).matches(code):
            return True
        self._only_in_development(f"{contract.artifact} has other code than this version is built for")
        return False

    def _note_contract(self, name: str, receipt: Receipt) -> None:
        if receipt.contract is None:
            raise Bug("the transaction made no contract", contract=name)
        code = self._client.code(receipt.contract)
        if not load_artifact(ARTIFACT_OF[name]).matches(code):
            raise DeploymentFailed("the new contract does not have the code of its artifact", contract=name)
        self._state.pending.pop(name, None)
        self._state.contracts[name] = DeployedContract(
            name=name,
            address=receipt.contract,
            block=receipt.block,
            tx_hash=receipt.tx_hash,
            code_hash=hash_from_bytes(keccak(code)),
        )
        self._registry.save(self._state)

    def _only_in_development(self, trouble: str) -> None:
        if not self._is_dev:
            raise DeploymentMismatch(f"{trouble}; nothing was changed", chain_id=self._client.chain_id)

    def _addresses(self) -> dict[str, Address]:
        return {PLAN_NAME_OF[name]: contract.address for name, contract in self._state.contracts.items()}

    # Calls

    def _ensure_calls(self, contract: str, steps: Iterable[Step], resolver: Resolver) -> None:
        """Those of one contract that are not done yet, in one transaction where it takes several at once."""
        artifact = _artifact(contract)
        missing = [
            (step.function, args)
            for step in steps
            if isinstance(step, CallStep)
            for args in resolver.calls(step)
            if not self._is_done(contract, step.function, args)
        ]
        if missing and not self._rules_over(contract):
            names = sorted({function for function, _ in missing})
            self._echo(f"{contract}: was handed over; the DAO may still want {', '.join(names)}")
            return
        calls = [(function, artifact.encode(function, *args)) for function, args in missing]
        if len(calls) > 1 and any(item.name == "multicall" for item in artifact.selectors.values()):
            batch = [bytes.fromhex(data[2:]) for _, data in calls]
            calls = [(f"{len(batch)} calls", artifact.encode("multicall", batch))]
        for what, data in calls:
            self._echo(f"{contract}: {what}")
            self._send(to=self._addresses()[contract], data=data, what=what)

    def _rules_over(self, contract: str) -> bool:
        """Whether the contract was not handed over yet. Number zero is the admin's role everywhere."""
        role = _NO_ROLE if contract == "TimelockController" else 0
        return self._has_role(contract, role, self._signer.address)

    def _is_done(self, contract: str, function: str, args: list[Any]) -> bool:
        """The chain itself tells, so no note can be wrong."""
        match function, args:
            case "grantRole" | "renounceRole", [role, account, *_]:
                return self._has_role(contract, role, account) == (function == "grantRole")
            case "setTargetFunctionRole", [target, selectors, role]:
                asked = "getTargetFunctionRole"
                return all(self._read(contract, asked, target, selector) == role for selector in selectors)
            case "setRoleGuardian" | "setRoleAdmin", [role, other]:
                return bool(self._read(contract, f"get{function.removeprefix('set')}", role) == other)
            case _:
                raise Bug("the plan has a call whose end nobody can see", function=function)

    def _has_role(self, contract: str, role: object, account: Address) -> bool:
        """An AccessManager tells the delay, too."""
        found = self._read(contract, "hasRole", role, account)
        return bool(found[0] if isinstance(found, tuple | list) else found)

    def _view(self, contract: str, view: str) -> object:
        return self._read(contract, view)

    def _read(self, contract: str, function: str, *args: object) -> Any:  # noqa: ANN401 - any ABI value
        return self._client.read(_artifact(contract), self._addresses()[contract], function, *args)

    # Transactions

    def _send(self, *, to: Address | None, data: str, what: str, note: str | None = None) -> Receipt:
        """Signs, notes, sends, waits."""
        sender = self._signer.address
        try:
            gas = self._client.estimate_gas(Call(to=to, data=data, sender=sender))
        except ExecutionReverted as refusal:
            raise DeploymentFailed(f"{what} would fail: {refusal.message}") from refusal
        fee = self._client.fee()
        raw = self._signer.sign_transaction(
            Transaction(
                chain_id=self._client.chain_id,
                nonce=self._client.nonce(sender),
                to=to,
                data=data,
                value=0,
                gas=gas * GAS_MARGIN_PERCENT // 100,
                max_fee_per_gas=fee.max_fee,
                max_priority_fee_per_gas=fee.max_priority_fee,
            )
        )
        if note is not None:
            self._note_pending(note, tx_hash_of(raw))
        receipt = self._client.wait_receipt(self._client.send_raw(raw), timeout_s=RECEIPT_TIMEOUT_S)
        if not receipt.succeeded:
            raise DeploymentFailed(f"{what} failed in its block", tx_hash=receipt.tx_hash)
        return receipt

    def _note_pending(self, name: str, tx_hash: Hash32) -> None:
        self._state.pending[name] = tx_hash
        self._registry.save(self._state)
