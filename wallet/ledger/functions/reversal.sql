-- Money goes back the way it came: in one part or several, never more than came. A reversal is a transfer whose
-- postings have the numbers of those that they undo; it locks the original first and accounts after it.

CREATE OR REPLACE FUNCTION ledger.reverse(
    p_key text, p_kind text, p_transfer_id bigint, p_numbers int[], p_amounts numeric[], p_now timestamptz
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_original ledger.transfer;
    v_known bigint;
    v_bad record;
    v_sources bigint[];
    v_destinations bigint[];
    v_assets text[];
    v_exponents int[];
BEGIN
    SELECT * INTO v_original FROM ledger.transfer WHERE id = p_transfer_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM ledger.refuse('transfer_unknown', '{}');
    ELSIF v_original.reverses IS NOT NULL THEN
        PERFORM ledger.refuse('not_reversible', '{}');
    END IF;
    SELECT array_agg(n ORDER BY n), array_agg(amount ORDER BY n) INTO p_numbers, p_amounts
        FROM unnest(p_numbers, p_amounts) AS part (n, amount);  -- balances are told in the order of numbers
    SELECT array_agg(posting.destination ORDER BY ord), array_agg(posting.source ORDER BY ord),
        array_agg(account.asset ORDER BY ord), array_agg(account.exponent::int ORDER BY ord)
    INTO v_sources, v_destinations, v_assets, v_exponents
    FROM unnest(p_numbers) WITH ORDINALITY AS wanted (n, ord)
    LEFT JOIN ledger.posting ON posting.transfer_id = p_transfer_id AND posting.n = wanted.n
    LEFT JOIN ledger.account ON account.id = posting.source;
    v_known := ledger.replayed(
        p_key, p_kind, NULL, p_transfer_id, p_numbers, v_sources, v_destinations, p_amounts
    );
    IF v_known IS NOT NULL THEN
        RETURN v_known;
    END IF;
    SELECT wanted.n, left_over.amount AS have, wanted.amount AS need INTO v_bad
    FROM (
        SELECT n, sum(amount) AS amount, count(*) AS times FROM unnest(p_numbers, p_amounts) AS part (n, amount)
        GROUP BY n
    ) AS wanted
    CROSS JOIN LATERAL (
        SELECT coalesce((SELECT amount FROM ledger.posting WHERE transfer_id = p_transfer_id AND n = wanted.n), 0)
            - coalesce((
                SELECT sum(posting.amount) FROM ledger.transfer AS earlier
                JOIN ledger.posting ON posting.transfer_id = earlier.id AND posting.n = wanted.n
                WHERE earlier.reverses = p_transfer_id
            ), 0) AS amount
    ) AS left_over
    WHERE wanted.amount > left_over.amount OR wanted.times > 1
    ORDER BY wanted.n LIMIT 1;
    IF FOUND THEN
        PERFORM ledger.refuse('reversal_exceeded', jsonb_build_object(
            'posting', v_bad.n, 'need', v_bad.need::text, 'have', v_bad.have::text
        ));
    END IF;
    RETURN (ledger.post_all(
        ARRAY[p_key], ARRAY[p_kind], array_fill(1, ARRAY[cardinality(p_numbers)]), p_numbers, v_sources,
        v_destinations, v_assets, v_exponents, p_amounts, p_now, NULL, p_transfer_id, NULL
    ))[1];
END $$;
