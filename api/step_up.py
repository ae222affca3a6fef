"""The dependency of routes that need a second proof (`dependencies=[STEP_UP]`): keys, roles, acts of admins.

Services that hold the transaction ask `services.step_up.require(tx, principal)` themselves.
"""

from fastapi import Depends

from api.access import CurrentPrincipal, TheServices


def _stepped_up(services: TheServices, principal: CurrentPrincipal) -> None:
    with services.database.transaction() as tx:
        services.step_up.require(tx, principal)


STEP_UP = Depends(_stepped_up)
"""403 `step_up_needed` names the proofs that are possible, 403 `second_proof_missing` says there are none."""
