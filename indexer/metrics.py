"""What an operator watches. Names are part of the product: they only grow."""

from prometheus_client import Counter, Gauge, Histogram

LAG_BLOCKS = Gauge("asoud_indexer_lag_blocks", "Blocks between the head and what is indexed", ["chain"])
LAG_SECONDS = Gauge("asoud_indexer_lag_seconds", "Time from the newest indexed block to the head", ["chain"])
HEAD_TIME = Gauge("asoud_indexer_head_time_seconds", "Time of the head, as the chain tells it", ["chain"])
INDEXED = Gauge("asoud_indexer_block", "Newest block indexed", ["chain"])
STUCK = Gauge("asoud_indexer_stuck", "1 when the indexer stopped for a person to look", ["chain"])
EVENTS = Counter("asoud_indexer_events_total", "Decoded logs that were written", ["chain"])
UNDECODABLE = Counter("asoud_indexer_undecodable_total", "Logs kept raw because they fit no event", ["chain"])
TOLD = Counter("asoud_indexer_told_total", "Final events that entered the spine", ["chain"])
VANISHED = Counter(
    "asoud_indexer_final_blocks_vanished_total", "Final blocks that a fork took back", ["chain"]
)
VANISHED_EVENTS = Counter(
    "asoud_indexer_final_events_vanished_total", "Final events that became incidents on the spine", ["chain"]
)
REORGS = Counter("asoud_indexer_reorgs_total", "Forks that were undone", ["chain"])
REBUILDS = Counter("asoud_indexer_rebuilds_total", "Forks too deep to undo, or all read again", ["chain"])
REORG_DEPTH = Histogram(
    "asoud_indexer_reorg_depth_blocks",
    "Blocks undone by a reorg",
    ["chain"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 250, 1_000),
)
RANGE_BLOCKS = Gauge("asoud_indexer_range_blocks", "Blocks asked for at once", ["chain"])
RANGES_REFUSED = Counter(
    "asoud_indexer_ranges_refused_total", "Ranges that were too large for the endpoint, or for us", ["chain"]
)
COMMIT_SECONDS = Histogram("asoud_indexer_commit_seconds", "Time to write one range", ["chain"])
PARTITION_BLOCKS_LEFT = Gauge(
    "asoud_indexer_partition_blocks_left", "Blocks above the newest indexed that have a partition", ["chain"]
)
RPC_ERRORS = Counter("asoud_indexer_rpc_errors_total", "Requests that failed", ["chain", "kind"])
