"""The sources of all SQL functions, in the order in which they are made: what others call comes first."""

from typing import Final

from node.services.payout import service as payout
from node.services.spending import service as spending
from node.services.transfer import service as transfer
from wallet.ledger.functions import FUNCTIONS as LEDGER

FUNCTIONS: Final = (*LEDGER, *spending.FUNCTIONS, *payout.FUNCTIONS, *transfer.FUNCTIONS)
