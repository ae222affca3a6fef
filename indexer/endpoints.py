"""Telling `/health/chain`, and the processes of the API, how the servers of a chain do.

What the indexer finds out about them is told once for all: whoever else asks the chain leaves those alone
that it set aside (`SET_ASIDE`).
"""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Final, LiteralString

from indexer.store import Store
from node.chain.pool import EndpointReport

_TELL = """
    WITH told AS (SELECT * FROM json_populate_recordset(NULL::chain.endpoint, %(rows)s::json)),
    gone AS (
        DELETE FROM chain.endpoint WHERE chain_id = %(chain_id)s AND name NOT IN (SELECT name FROM told))
    INSERT INTO chain.endpoint AS endpoint SELECT * FROM told
    ON CONFLICT (chain_id, name) DO UPDATE SET
        since = CASE WHEN endpoint.state = excluded.state THEN endpoint.since ELSE excluded.since END,
        state = excluded.state, in_use = excluded.in_use, head_number = excluded.head_number,
        latency_ms = excluded.latency_ms, error_percent = excluded.error_percent, seen_at = excluded.seen_at
"""

# Names of servers whose answers would be wrong or old; what an indexer that is gone said does not count.
# For SQLAlchemy, unlike the rest.
SET_ASIDE: Final[LiteralString] = """
    SELECT name FROM chain.endpoint
    WHERE chain_id = :chain_id AND state IN ('lagging', 'forked', 'wrong_chain')
        AND seen_at > now() - interval '60 seconds'
"""

# For `/health/chain`, as a value of its JSON.
ENDPOINTS: Final[LiteralString] = """
    coalesce((
        SELECT json_agg(json_build_object(
            'name', name, 'state', state, 'since', since, 'in_use', in_use, 'head', head_number,
            'latency_ms', latency_ms, 'error_percent', error_percent, 'seen_at', seen_at) ORDER BY name)
        FROM chain.endpoint WHERE endpoint.chain_id = %(chain_id)s), '[]'::json)
"""


async def tell_endpoints(store: Store, reports: Sequence[EndpointReport], *, now: dt.datetime) -> None:
    """Replaces what was told of the chain's servers before."""
    rows = [
        {
            "chain_id": store.chain_id,
            "name": report.name,
            "state": report.standing.value,
            "since": now.isoformat(),
            "in_use": report.in_use,
            "head_number": report.head,
            "latency_ms": report.latency_ms,
            "error_percent": report.error_percent,
            "seen_at": now.isoformat(),
        }
        for report in reports
    ]
    await store.run(_TELL, {"rows": json.dumps(rows), "chain_id": store.chain_id})
