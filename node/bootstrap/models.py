"""Imports every module that declares tables, so that one metadata knows them all."""

import indexer.models  # noqa: F401 - declares tables
import node.kernel.db.idempotency
import node.kernel.spine.models
import node.services.catalog.models
import node.services.charge.models
import node.services.deposit.models
import node.services.gateway.models
import node.services.governance.models
import node.services.identity.models
import node.services.listing.models
import node.services.market.models
import node.services.nft.models
import node.services.order.models
import node.services.payment.models
import node.services.payout.models
import node.services.rate.models
import node.services.spending.models
import node.services.transaction.models
import node.services.transfer.models
import node.services.translation.models
import node.services.withdrawal.models  # noqa: F401 - declares tables
import wallet.asset.models
import wallet.incident.models
import wallet.ledger.models
import wallet.treasury.models  # noqa: F401 - declares tables
from node.kernel.db.base import Base

METADATA = Base.metadata
SCHEMAS = tuple(sorted({table.schema for table in METADATA.tables.values() if table.schema}))
