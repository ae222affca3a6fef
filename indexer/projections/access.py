"""Gates that are shut, members of roles, and which role a function needs."""

from indexer.models import GateRow, RoleFunctionRow, RoleMemberRow
from indexer.projections.rules import Rule, Rules, instant
from indexer.workset import At, Ref, WorkSet
from node.chain import suite_events as ev


def _gate(at: At, _event: ev.Paused | ev.Unpaused) -> list[Ref]:
    return [Ref(GateRow, (at.contract,))]


def _paused(work: WorkSet, at: At, event: ev.Paused) -> None:
    work.put(GateRow, (at.contract,), at, paused=True, account=event.account)


def _unpaused(work: WorkSet, at: At, event: ev.Unpaused) -> None:
    work.put(GateRow, (at.contract,), at, paused=False, account=event.account)


def _member(at: At, event: ev.RoleGranted | ev.RoleRevoked) -> list[Ref]:
    return [Ref(RoleMemberRow, (at.contract, event.role, event.account))]


def _granted(work: WorkSet, at: At, event: ev.RoleGranted) -> None:
    key = (at.contract, event.role, event.account)
    work.put(RoleMemberRow, key, at, member=True, delay_s=event.delay, since=instant(event.since))


def _revoked(work: WorkSet, at: At, event: ev.RoleRevoked) -> None:
    key = (at.contract, event.role, event.account)
    work.put(RoleMemberRow, key, at, member=False, delay_s=0, since=at.time)


def _selector(event: ev.TargetFunctionRoleUpdated) -> str:
    return "0x" + event.selector.hex()


def _function(at: At, event: ev.TargetFunctionRoleUpdated) -> list[Ref]:
    return [Ref(RoleFunctionRow, (at.contract, event.target, _selector(event)))]


def _role_needed(work: WorkSet, at: At, event: ev.TargetFunctionRoleUpdated) -> None:
    work.put(RoleFunctionRow, (at.contract, event.target, _selector(event)), at, role=event.role)


RULES: Rules = {
    ev.Paused: Rule(_gate, _paused),
    ev.Unpaused: Rule(_gate, _unpaused),
    ev.RoleGranted: Rule(_member, _granted),
    ev.RoleRevoked: Rule(_member, _revoked),
    ev.TargetFunctionRoleUpdated: Rule(_function, _role_needed),
}
