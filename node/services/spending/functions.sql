-- Counts what leaves a wallet, and refuses what passes a bound. The rows of `spent` are written first and judged
-- afterwards: whoever spends from the same wallet at once waits here, and sees what was spent before. A refusal
-- takes back what was written. `p_rules` are the node's bounds by asset; `p_account_id` is null for markets.

CREATE OR REPLACE FUNCTION spending.take(
    p_owner text, p_account_id uuid, p_asset text, p_amount numeric, p_rules jsonb, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_own spending.bound;
    v_most jsonb := coalesce(p_rules -> p_asset, '{}');
    v_bad record;
BEGIN
    SELECT * INTO v_own FROM spending.bound WHERE account_id = p_account_id AND asset = p_asset;
    IF v_own.next_at <= p_now THEN
        v_own.operation := v_own.next_operation;
        v_own.day := v_own.next_day;
        v_own.month := v_own.next_month;
    END IF;
    WITH counted AS (
        INSERT INTO spending.spent (owner, asset, span, starts_at, amount)
        SELECT p_owner, p_asset, span, date_trunc(span, p_now, 'UTC'), p_amount
        FROM unnest(ARRAY['day', 'month']) AS span
        ON CONFLICT (owner, asset, span, starts_at) DO UPDATE SET amount = spent.amount + excluded.amount
        RETURNING span, amount
    ), judged AS (
        SELECT 'operation' AS per, p_amount AS amount, v_own.operation AS own
        UNION ALL
        SELECT span, amount, CASE span WHEN 'day' THEN v_own.day ELSE v_own.month END FROM counted
    )
    SELECT per, amount - p_amount AS spent, least(own, (v_most ->> per)::numeric) AS most INTO v_bad
    FROM judged WHERE amount > least(own, (v_most ->> per)::numeric)
    ORDER BY array_position(ARRAY['operation', 'day', 'month'], per) LIMIT 1;
    IF FOUND THEN
        PERFORM ledger.refuse('limit_exceeded', jsonb_build_object(
            'per', v_bad.per, 'limit', v_bad.most::text, 'spent', v_bad.spent::text, 'asset', p_asset
        ));
    END IF;
END $$;
