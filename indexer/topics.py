"""First topics of the raw logs that views look up, each without `0x`.

The index of raw logs holds these alone: what a backfill brings in masses has tables of its own. A view that
reads other logs needs its topic here, and a migration of the index.
"""

from typing import Final, LiteralString

# In this order: QuorumNumeratorUpdated(uint256,uint256), CallSalt(bytes32,bytes32), Cancelled(bytes32),
# CallExecuted(bytes32,uint256,address,uint256,bytes), MinDelayChange(uint256,uint256).
QUORUM_UPDATED: Final[LiteralString] = "0553476bf02ef2726e8ce5ced78d63e26e602e4a2257b1f559418e24b4633997"
CALL_SALT: Final[LiteralString] = "20fda5fd27a1ea7bf5b9567f143ac5470bb059374a27e8f67cb44f946f6d0387"
CANCELLED: Final[LiteralString] = "baa1eb22f2a492ba1a5fea61b8df4d27c6c8b5f3971e63bb58fa14ff72eedb70"
CALL_EXECUTED: Final[LiteralString] = "c2617efa69bab66782fa219543714338489c4e9e178271560a91b82c3f612b58"
MIN_DELAY_CHANGE: Final[LiteralString] = "11c24f4ead16507c69ac467fbd5e4eed5fb5c699626d2cc6d66421df253886d5"

READ_BY_VIEWS: Final = (QUORUM_UPDATED, CALL_SALT, CANCELLED, CALL_EXECUTED, MIN_DELAY_CHANGE)
