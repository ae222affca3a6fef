"""Tables of schema `chain`: what the chain says, as far as it was read.

Two sorts of projections, told apart by how a reorg undoes them:

* *facts* never change once written; their key is their position (`chain_id`, `block_number`, `log_index`)
  and undoing deletes them by block number;
* *states* change; the row before each block that touched it lies in `chain.undo`.

Amounts are in the asset's smallest unit. The zero address as asset or currency is the native coin. Times
of blocks are `block_time` (facts) and `changed_at` (states); `changed_block` and `changed_log` say which log
wrote a state last.
"""

from indexer.models.access import GateRow, RoleFunctionRow, RoleMemberRow
from indexer.models.auction import AuctionRow, BidRow
from indexer.models.checkout import DepositSweepRow, PaymentRow, PayoutRow
from indexer.models.core import (
    BlockRow,
    Checkpoint,
    ContractRow,
    IncidentRow,
    LogRow,
    PartitionRow,
    ShedIndexRow,
    UndoRow,
)
from indexer.models.endpoint import EndpointRow
from indexer.models.escrow import EscrowEventRow, EscrowRow, EscrowSettlementRow, EscrowSignatureRow
from indexer.models.exchange import (
    CreditRow,
    CurrencyRow,
    ExchangeFeeRow,
    FeesCollectedRow,
    ListingEpochRow,
    ListingNonceRow,
    QuoteFillRow,
    QuoteGroupRow,
    SaleRow,
)
from indexer.models.foreign import ForeignBalanceRow, ForeignContractRow, ForeignTokenRow, ForeignTransferRow
from indexer.models.governance import (
    DelegationRow,
    GovernorRow,
    ProposalRow,
    VoteRow,
    VotesBalanceRow,
    VotingPowerRow,
)
from indexer.models.nft import CollectionRow, TokenRow, TransferRow
from indexer.models.rewards import RewardClaimRow, RewardEpochRow
from indexer.models.rows import SCHEMA, Fact, State
from indexer.models.studio import BaseUriRow, EditionRow, HoldingRow, StaffRow, TokenRoyaltyRow, VoucherRow

__all__ = [
    "SCHEMA",
    "AuctionRow",
    "BaseUriRow",
    "BidRow",
    "BlockRow",
    "Checkpoint",
    "CollectionRow",
    "ContractRow",
    "CreditRow",
    "CurrencyRow",
    "DelegationRow",
    "DepositSweepRow",
    "EditionRow",
    "EndpointRow",
    "EscrowEventRow",
    "EscrowRow",
    "EscrowSettlementRow",
    "EscrowSignatureRow",
    "ExchangeFeeRow",
    "Fact",
    "FeesCollectedRow",
    "ForeignBalanceRow",
    "ForeignContractRow",
    "ForeignTokenRow",
    "ForeignTransferRow",
    "GateRow",
    "GovernorRow",
    "HoldingRow",
    "IncidentRow",
    "ListingEpochRow",
    "ListingNonceRow",
    "LogRow",
    "PartitionRow",
    "PaymentRow",
    "PayoutRow",
    "ProposalRow",
    "QuoteFillRow",
    "QuoteGroupRow",
    "RewardClaimRow",
    "RewardEpochRow",
    "RoleFunctionRow",
    "RoleMemberRow",
    "SaleRow",
    "ShedIndexRow",
    "StaffRow",
    "State",
    "TokenRow",
    "TokenRoyaltyRow",
    "TransferRow",
    "UndoRow",
    "VoteRow",
    "VotesBalanceRow",
    "VotingPowerRow",
    "VoucherRow",
]
