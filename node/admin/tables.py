"""What operators see, and the few things that they do. Each act is a call of a service, in the audit log."""

import uuid
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import anyio.to_thread
from starlette.requests import Request
from starlette_admin.actions import ActionSelection, action
from starlette_admin.contrib.sqla import ModelView
from starlette_admin.exceptions import ActionFailed
from typing_extensions import override

from indexer.models.core import IncidentRow
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import AsoudError
from node.kernel.spine.failed_tasks import request_retry
from node.kernel.spine.models import FailedTask, ParkedEvent
from node.kernel.spine.parked import request_replay
from node.services.container import Services
from node.services.deposit.models import DepositRow
from node.services.identity.audit import Act
from node.services.identity.models import Account, ApiKey, AuditEntry, RoleGrant, Session
from node.services.market.models import Market, Member
from node.services.order.models import Order
from node.services.payment.models import Intent
from node.services.payout.models import Payout
from node.services.withdrawal.models import WithdrawalRow
from wallet.incident.models import IncidentRow as MoneyIncidentRow
from wallet.treasury.models import OutgoingRow


class Table(ModelView):
    """A table that is looked at. The connection behind it could not write either."""

    services: ClassVar[Services]

    @override
    def can_create(self, request: Request) -> bool:
        return False

    @override
    def can_edit(self, request: Request) -> bool:
        return False

    @override
    def can_delete(self, request: Request) -> bool:
        return False

    @override
    def can_import(self, request: Request) -> bool:
        return False

    @override
    def can_export(self, request: Request) -> bool:
        return False

    async def act(self, request: Request, do: Callable[[Tx, str], object]) -> None:
        """In one transaction of the app's own role, by the operator who asked."""
        by = f"account:{request.state.principal.account_id}"

        def committed() -> None:
            with self.services.database.transaction() as tx:
                do(tx, by)

        try:
            await anyio.to_thread.run_sync(committed)
        except AsoudError as error:
            raise ActionFailed(error.message) from error


class Accounts(Table):
    actions: ClassVar[list[str]] = ["freeze", "unfreeze", "sign_out"]  # type: ignore[misc]

    @action(name="freeze", text="Freeze", confirmation="Shut these accounts out, at once?")
    async def freeze(self, request: Request, selection: ActionSelection) -> None:
        roles, ids = self.services.roles, _ids(await selection.pks())
        await self.act(request, lambda tx, by: [roles.freeze(tx, one, by=by) for one in ids])

    @action(name="unfreeze", text="Unfreeze", confirmation="Let these accounts sign in again?")
    async def unfreeze(self, request: Request, selection: ActionSelection) -> None:
        roles, ids = self.services.roles, _ids(await selection.pks())
        await self.act(request, lambda tx, by: [roles.unfreeze(tx, one, by=by) for one in ids])

    @action(name="sign_out", text="Sign out", confirmation="Sign these accounts out everywhere?")
    async def sign_out(self, request: Request, selection: ActionSelection) -> None:
        roles, ids = self.services.roles, _ids(await selection.pks())
        await self.act(request, lambda tx, by: [roles.sign_out(tx, one, by=by) for one in ids])


class ParkedEvents(Table):
    actions: ClassVar[list[str]] = ["replay"]  # type: ignore[misc]

    @action(name="replay", text="Replay their streams", confirmation="Have the consumers try again?")
    async def replay(self, request: Request, selection: ActionSelection) -> None:
        named = {(row.consumer, row.stream) for row in await selection.rows()}

        def do(tx: Tx, by: str) -> None:
            for consumer, stream in sorted(named):
                request_replay(tx, consumer=consumer, stream=stream)
                self.services.roles.note(tx, Act.EVENTS_REPLAYED, f"{consumer} {stream}", by=by)

        await self.act(request, do)


class FailedTasks(Table):
    actions: ClassVar[list[str]] = ["retry"]  # type: ignore[misc]

    @action(name="retry", text="Retry", confirmation="Send these tasks again?")
    async def retry(self, request: Request, selection: ActionSelection) -> None:
        ids = _ids(await selection.pks())

        def do(tx: Tx, by: str) -> None:
            request_retry(tx, ids)
            for one in ids:
                self.services.roles.note(tx, Act.TASK_RETRIED, f"task:{one}", by=by)

        await self.act(request, do)


class Desk(Protocol):
    def approve(self, tx: Tx, one: uuid.UUID, /, *, by: str) -> object: ...
    def reject(self, tx: Tx, one: uuid.UUID, /, *, by: str, reason: str) -> object: ...


class Leaving(Table):
    """Money that waits for an operator, who lets it out or gives it back."""

    actions: ClassVar[list[str]] = ["approve", "reject"]  # type: ignore[misc]
    noun: ClassVar[str]
    approved: ClassVar[Act]
    rejected: ClassVar[Act]

    def desk(self) -> Desk:
        raise NotImplementedError

    @action(name="approve", text="Approve", confirmation="Send this money out? It does not come back.")
    async def approve(self, request: Request, selection: ActionSelection) -> None:
        ids = _ids(await selection.pks())

        def do(tx: Tx, by: str) -> None:
            for one in ids:
                self.desk().approve(tx, one, by=by)
                self.services.roles.note(tx, self.approved, f"{self.noun}:{one}", by=by)

        await self.act(request, do)

    @action(name="reject", text="Reject", confirmation="Give the money back to where it came from?")
    async def reject(self, request: Request, selection: ActionSelection) -> None:
        ids = _ids(await selection.pks())

        def do(tx: Tx, by: str) -> None:
            for one in ids:
                self.desk().reject(tx, one, by=by, reason="rejected by an operator")
                self.services.roles.note(tx, self.rejected, f"{self.noun}:{one}", by=by)

        await self.act(request, do)


class Withdrawals(Leaving):
    noun, approved, rejected = "withdrawal", Act.WITHDRAWAL_APPROVED, Act.WITHDRAWAL_REJECTED

    @override
    def desk(self) -> Desk:
        return self.services.withdrawals


class Payouts(Leaving):
    noun, approved, rejected = "payout", Act.PAYOUT_APPROVED, Act.PAYOUT_REJECTED

    @override
    def desk(self) -> Desk:
        return self.services.payouts.addresses


TABLES: tuple[tuple[type[Table], type[Any], str], ...] = (
    (Accounts, Account, "Accounts"),
    (Table, RoleGrant, "Roles of the node"),
    (Table, Session, "Sessions"),
    (Table, ApiKey, "API keys"),
    (Table, AuditEntry, "Audit log"),
    (Table, Market, "Markets"),
    (Table, Member, "Members of markets"),
    (Table, Order, "Orders"),
    (Table, Intent, "Payments"),
    (ParkedEvents, ParkedEvent, "Parked events"),
    (FailedTasks, FailedTask, "Failed tasks"),
    (Table, IncidentRow, "Incidents of the chain"),
    (Withdrawals, WithdrawalRow, "Withdrawals"),
    (Payouts, Payout, "Payouts of markets"),
    (Table, DepositRow, "Deposits"),
    (Table, OutgoingRow, "Transactions of the treasury"),
    (Table, MoneyIncidentRow, "Incidents of money"),
)


def _ids(raw: list[Any]) -> list[uuid.UUID]:
    return [uuid.UUID(str(one)) for one in raw]
