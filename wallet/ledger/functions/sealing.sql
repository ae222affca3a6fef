-- The hash chain, made after the fact: transfers do not wait for each other to be linked.
--
-- Ids of transfers are handed out before the commit, so a block may end at id M only when no transaction is under
-- way any more that drew an id up to M. A drawer has its transaction id (xid) before it draws. So the sealer notes
-- M, and only then takes an xid itself: whoever drew up to M has a lower one. Once all lower ones are done, a
-- block may end at M.

CREATE OR REPLACE FUNCTION ledger.seal(p_limit int) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_drawn bigint;
    v_horizon ledger.horizon;
    v_last ledger.block;
    v_new ledger.block;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'ledger.seal needs a transaction of its own';
    ELSIF NOT pg_try_advisory_xact_lock(x'A50D0055'::bigint) THEN
        RETURN 0;  -- another process seals
    END IF;
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO v_drawn FROM ledger.transfer_id_seq;
    SELECT * INTO v_horizon FROM ledger.horizon;
    SELECT * INTO v_last FROM ledger.block ORDER BY number DESC LIMIT 1;
    v_last.up_to := coalesce(v_last.up_to, 0);
    IF v_horizon.transfer_id > v_last.up_to
        AND pg_snapshot_xmin(pg_current_snapshot()) >= v_horizon.xid::text::xid8
    THEN
        v_new := ledger.next_block(v_last, v_horizon.transfer_id, p_limit);
        IF v_new.transfers > 0 THEN
            INSERT INTO ledger.block SELECT (v_new).*;
            PERFORM ledger.fold(v_last.up_to, v_new);
        END IF;
        IF v_new.transfers = p_limit THEN
            RETURN v_new.transfers;  -- there may be more below the horizon
        END IF;
    ELSIF v_horizon.transfer_id > v_last.up_to
        AND v_horizon.xid::text::xid8 < pg_current_xact_id()  -- else it is another cluster's: a restored dump
    THEN
        RETURN 0;
    END IF;
    IF v_drawn > coalesce(v_new.up_to, v_last.up_to) THEN
        INSERT INTO ledger.horizon (transfer_id, xid) VALUES (v_drawn, pg_current_xact_id()::text::numeric)
            ON CONFLICT (id) DO UPDATE SET transfer_id = excluded.transfer_id, xid = excluded.xid;
    END IF;
    RETURN coalesce(v_new.transfers, 0);
END $$;

CREATE OR REPLACE FUNCTION ledger.next_block(p_last ledger.block, p_horizon bigint, p_limit int)
RETURNS ledger.block
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_block ledger.block;
BEGIN
    SELECT max(id), count(*), greatest(max(at), p_last.latest_at)
    INTO v_block.up_to, v_block.transfers, v_block.latest_at
    FROM (
        SELECT id, at FROM ledger.transfer WHERE id > p_last.up_to AND id <= p_horizon ORDER BY id LIMIT p_limit
    ) AS next;
    v_block.number := coalesce(p_last.number, 0) + 1;
    v_block.hash := ledger.block_hash(p_last.hash, p_last.up_to, v_block.up_to);
    RETURN v_block;
END $$;

-- SHA-256 over the previous hash and every transfer above `p_after`, up to `p_up_to`. Accounts go in by owner,
-- purpose and asset, so that money cannot be moved by renaming an account.
CREATE OR REPLACE FUNCTION ledger.block_hash(p_previous bytea, p_after bigint, p_up_to bigint) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT sha256(coalesce(p_previous, '') || convert_to(coalesce(string_agg(line, E'\n' ORDER BY id, n), ''), 'UTF8'))
    FROM (
        SELECT transfer.id, posting.n, jsonb_build_array(
            transfer.id, transfer.key, transfer.kind, (extract(epoch FROM transfer.at) * 1000000)::bigint,
            transfer.hold_id, transfer.reverses, transfer.linked, posting.n, source.asset, posting.amount::text,
            source.id, source.owner, source.purpose, posting.source_balance::text,
            destination.id, destination.owner, destination.purpose, posting.destination_balance::text
        )::text AS line
        FROM ledger.transfer
        LEFT JOIN ledger.posting ON posting.transfer_id = transfer.id
        LEFT JOIN ledger.account AS source ON source.id = posting.source
        LEFT JOIN ledger.account AS destination ON destination.id = posting.destination
        WHERE transfer.id > p_after AND transfer.id <= p_up_to
    ) AS entry;
$$;

-- Brings accounts without a floor up to the block.
CREATE OR REPLACE FUNCTION ledger.fold(p_after bigint, p_block ledger.block) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    WITH side AS (
        SELECT source AS account_id, -amount AS delta FROM ledger.posting
        WHERE transfer_id > p_after AND transfer_id <= p_block.up_to AND source_balance IS NULL
        UNION ALL
        SELECT destination, amount FROM ledger.posting
        WHERE transfer_id > p_after AND transfer_id <= p_block.up_to AND destination_balance IS NULL
    ), folded AS (
        UPDATE ledger.account SET posted = posted + moved.delta
        FROM (SELECT account_id, sum(delta) AS delta FROM side GROUP BY account_id) AS moved
        WHERE account.id = moved.account_id RETURNING account.id, account.posted
    )
    INSERT INTO ledger.fold (account_id, block, posted) SELECT id, p_block.number, posted FROM folded;
END $$;
