-- What a market keeps for refunds: a part of all that came into its wallet in the last days. It is worked out of the
-- postings each time, so that nothing has to be moved aside and let go again. `p_rules` are the node's `bps` and
-- `days`; a market may have its own.

CREATE OR REPLACE FUNCTION payout.reserve(p_market_id uuid, p_account bigint, p_rules jsonb, p_now timestamptz)
RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT ceil(coalesce(sum(posting.amount), 0) * own.bps / 10000)
    FROM (
        SELECT coalesce(max(reserve_bps), (p_rules ->> 'bps')::int) AS bps,
            coalesce(max(reserve_days), (p_rules ->> 'days')::int) AS days
        FROM payout.terms WHERE market_id = p_market_id
    ) AS own
    LEFT JOIN (
        ledger.posting JOIN ledger.transfer ON transfer.id = posting.transfer_id
            AND transfer.kind NOT IN ('transfer.returned', 'payout.returned')
    ) ON posting.destination = p_account AND own.bps > 0 AND posting.at > p_now - make_interval(days => own.days)
    GROUP BY own.bps;
$$;

-- Call it after money left the wallet: the ledger's command has locked the account, so what is read is the newest.
CREATE OR REPLACE FUNCTION payout.require_reserve(
    p_market_id uuid, p_account bigint, p_rules jsonb, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_reserve numeric := payout.reserve(p_market_id, p_account, p_rules, p_now);
    v_left numeric := (SELECT posted - held FROM ledger.account WHERE id = p_account);
BEGIN
    IF v_left < v_reserve THEN
        PERFORM ledger.refuse('reserve_needed', jsonb_build_object(
            'reserve', v_reserve::text, 'have', v_left::text
        ));
    END IF;
END $$;
