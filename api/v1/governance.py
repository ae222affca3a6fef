"""The DAO as a whole: its contracts, its rules, its supply of votes."""

from pydantic import Field
from starlette.responses import Response

from api.access import TheServices
from api.routing import edge_router
from api.schemas import AddressString, Output, UintOut
from api.views import Views
from node.services.governance import queries
from node.services.governance.errors import GovernorUnread

router = edge_router("governance", prefix="/v1/governance")


class GovernanceOut(Output):
    """Votes are counted in the token's smallest unit. Null is what the chain has not told yet."""

    chain_id: int = Field(examples=[31337])
    governor: AddressString
    token: AddressString
    timelock: AddressString = Field(description="Also the treasury")
    voting_delay_s: int | None = Field(description="From a proposal to its vote")
    voting_period_s: int | None
    late_quorum_extension_s: int | None = Field(
        description="How long a vote stays open at least after its quorum was reached"
    )
    timelock_delay_s: int | None = Field(description="From queueing to execution")
    proposal_threshold: UintOut | None = Field(description="Votes that a proposer needs")
    quorum_percent: int | None = Field(description="Share of the supply that must vote for or abstain")
    quorum: UintOut | None
    supply: UintOut
    delegated: UintOut = Field(description="Votes that can be cast")
    proposals: int


@router.get("", response_model=GovernanceOut)
async def governance(views: Views, services: TheServices) -> Response:
    """The rules of the DAO as they are now."""
    missing = GovernorUnread("the governor's first block was not read yet")
    return await views.one(queries.GOVERNANCE, services.governance.view(), missing=missing)
