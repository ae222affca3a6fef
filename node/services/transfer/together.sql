-- Confirmations that came at once, of several senders, as one transaction: each costs a part of what it costs alone.
-- It takes those alone that nothing stands in the way of, and leaves all others to `transfer.confirm_and_tell`, which
-- says what is wrong: those of a market, to a phone, by a request, above the bound of a second proof, of a session
-- that ended ... Returns what it did. Where the bounds of spending or the ledger refuse one, none is done; then each
-- is sent on its own way as well.
-- Locks are those of `transfer.confirm` in the same order, each kind in the order of its ids. It waits for none long:
-- whoever has nothing to do with what is locked shall not wait for it. Rows are few and found by their keys, however
-- small the tables were when the plans were made.

CREATE OR REPLACE FUNCTION transfer.confirm_together(
    p_ids uuid[], p_account_ids uuid[], p_session_ids uuid[], p_rules jsonb, p_events uuid[], p_request_ids text[],
    p_now timestamptz
) RETURNS TABLE (id uuid, told json)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms'
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_wanted record;
    v_one transfer.transfer;
    v_sent transfer.transfer[];
BEGIN
    FOR v_wanted IN SELECT * FROM unnest(p_ids, p_account_ids, p_session_ids) AS wanted (id, account_id, session_id)
        ORDER BY id
    LOOP
        SELECT * INTO v_one FROM transfer.transfer WHERE id = v_wanted.id FOR NO KEY UPDATE;
        IF v_one.account_id = v_wanted.account_id AND v_one.market_id IS NULL AND v_one.way <> 'phone'
            AND v_one.request_id IS NULL AND v_one.state = 'quoted' AND v_one.expires_at > p_now
            AND (v_one.amount > (p_rules -> 'spending' -> v_one.asset ->> 'step_up')::numeric) IS NOT TRUE
            AND EXISTS (
                SELECT FROM identity.session JOIN identity.account ON account.id = session.account_id
                WHERE session.id = v_wanted.session_id AND session.account_id = v_wanted.account_id
                    AND session.ended_at IS NULL AND account.frozen_at IS NULL
            )
        THEN
            v_sent := v_sent || v_one;
        END IF;
    END LOOP;
    IF v_sent IS NULL THEN
        RETURN;
    END IF;
    PERFORM transfer.require_people(array_agg(account_id) || array_agg(receiver_account_id)) FROM unnest(v_sent);
    PERFORM spending.take(owner, account_id, asset, amount + fee, p_rules -> 'spending', p_now)
        FROM (SELECT * FROM unnest(v_sent) ORDER BY owner, asset) AS sent;
    PERFORM transfer.move_all(v_sent, p_now);
    PERFORM kernel.record_event(
        event, 'transfer:' || id, 'transfer.sent', 1, jsonb_build_object('transfer_id', id), p_now, request, NULL, false
    ) FROM unnest(v_sent) AS sent JOIN unnest(p_ids, p_events, p_request_ids) AS wanted (id, event, request) USING (id);
    RETURN QUERY UPDATE transfer.transfer AS sent
        SET confirmed_at = p_now, confirmed_by = sent.account_id, state = 'delivered', ended_at = p_now
        FROM unnest(v_sent) AS locked WHERE sent.id = locked.id RETURNING sent.id, transfer.as_sent(sent, p_now);
END $$;

-- Fees are the second postings of their transfers.
CREATE OR REPLACE FUNCTION transfer.move_all(p_sent transfer.transfer[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM ledger.post(
        (SELECT array_agg('transfer:' || id || ':send' ORDER BY ordinality) FROM unnest(p_sent) WITH ORDINALITY),
        array_fill('transfer'::text, ARRAY[cardinality(p_sent)]),
        array_agg(of), array_agg(n), array_agg(source), array_agg(destination), array_agg(asset),
        array_agg(exponent), array_agg(amount), p_now
    ) FROM (
        SELECT ordinality::int AS of, n, source, CASE n WHEN 1 THEN destination ELSE fees END AS destination, asset,
            exponent::int, CASE n WHEN 1 THEN amount ELSE fee END AS amount
        FROM unnest(p_sent) WITH ORDINALITY CROSS JOIN generate_series(1, 2) AS n WHERE n = 1 OR fee > 0
    ) AS posting;
END $$;
