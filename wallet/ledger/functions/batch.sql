-- Several transfers, or several postings, as one command: all or nothing. Balances are looked at in the end, so
-- money may pass through an account that has none.

CREATE OR REPLACE FUNCTION ledger.post(
    p_keys text[], p_kinds text[], p_of int[], p_numbers int[], p_sources bigint[], p_destinations bigint[],
    p_assets text[], p_exponents int[], p_amounts numeric[], p_now timestamptz
) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ledger.post_all(
        p_keys, p_kinds, p_of, p_numbers, p_sources, p_destinations, p_assets, p_exponents, p_amounts,
        p_now, NULL, NULL, NULL
    );
END $$;

-- One asset for another: two transfers that are made together, each with the node's liquidity on its other side.
CREATE OR REPLACE FUNCTION ledger.exchange(
    p_key text, p_kind text, p_sources bigint[], p_destinations bigint[],
    p_assets text[], p_exponents int[], p_amounts numeric[], p_now timestamptz
) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_assets[1] IS NOT DISTINCT FROM p_assets[2] THEN
        PERFORM ledger.refuse('currency_mismatch', jsonb_build_object('asset', p_assets[1]));
    END IF;
    RETURN ledger.post_all(
        ARRAY[p_key || '>sold', p_key || '>bought'], ARRAY[p_kind, p_kind], ARRAY[1, 2], ARRAY[1, 1],
        p_sources, p_destinations, p_assets, p_exponents, p_amounts, p_now, NULL, NULL, p_key
    );
END $$;

-- The body of every command but `ledger.move`. Posting i belongs to transfer `p_of[i]` and is its `p_numbers[i]`th.
CREATE OR REPLACE FUNCTION ledger.post_all(
    p_keys text[], p_kinds text[], p_of int[], p_numbers int[], p_sources bigint[], p_destinations bigint[],
    p_assets text[], p_exponents int[], p_amounts numeric[], p_now timestamptz,
    p_hold_id bigint, p_reverses bigint, p_linked text
) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz;
    v_fresh bigint[];
    v_ids bigint[];
    v_first bigint;
BEGIN
    PERFORM pg_current_xact_id();  -- before an id is drawn: the sealer counts on it
    v_at := greatest(p_now, ledger.lock_accounts(p_sources || p_destinations));
    WITH fresh AS (
        INSERT INTO ledger.transfer (key, kind, at, hold_id, reverses, linked)
        SELECT key, kind, v_at, p_hold_id, p_reverses, p_linked
        FROM unnest(p_keys, p_kinds) WITH ORDINALITY AS wanted (key, kind, ord) ORDER BY ord
        ON CONFLICT (key) DO NOTHING RETURNING id, key
    )
    SELECT array_agg(fresh.id ORDER BY ord), min(fresh.id) INTO v_fresh, v_first
    FROM unnest(p_keys) WITH ORDINALITY AS wanted (key, ord) LEFT JOIN fresh USING (key);
    v_ids := v_fresh;
    IF array_position(v_fresh, NULL) IS NOT NULL THEN
        SELECT array_agg(coalesce(v_fresh[wanted.ord], ledger.replayed(
            wanted.key, wanted.kind, p_hold_id, p_reverses, own.numbers, own.sources, own.destinations, own.amounts
        )) ORDER BY wanted.ord) INTO v_ids
        FROM unnest(p_keys, p_kinds) WITH ORDINALITY AS wanted (key, kind, ord)
        CROSS JOIN LATERAL (
            SELECT array_agg(n) AS numbers, array_agg(source) AS sources,
                array_agg(destination) AS destinations, array_agg(amount) AS amounts
            FROM unnest(p_of, p_numbers, p_sources, p_destinations, p_amounts)
                AS posting (of, n, source, destination, amount)
            WHERE of = wanted.ord
        ) AS own;
        IF v_first IS NULL THEN
            RETURN v_ids;
        END IF;
        SELECT array_agg(of), array_agg(n), array_agg(source), array_agg(destination), array_agg(asset),
            array_agg(exponent), array_agg(amount)
        INTO p_of, p_numbers, p_sources, p_destinations, p_assets, p_exponents, p_amounts
        FROM unnest(p_of, p_numbers, p_sources, p_destinations, p_assets, p_exponents, p_amounts)
            AS posting (of, n, source, destination, asset, exponent, amount)
        WHERE v_fresh[of] IS NOT NULL;
    END IF;
    PERFORM ledger.check_postings(p_sources, p_destinations, p_assets, p_exponents, p_amounts);
    PERFORM ledger.check_balances(p_sources, p_destinations, p_amounts);
    PERFORM ledger.write_postings(v_ids, p_of, p_numbers, p_sources, p_destinations, p_amounts, v_at);
    RETURN v_ids;
END $$;

CREATE OR REPLACE FUNCTION ledger.check_postings(
    p_sources bigint[], p_destinations bigint[], p_assets text[], p_exponents int[], p_amounts numeric[]
) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_bad record;
BEGIN
    -- One statement looks whether anything is wrong; the words are found for the first that is.
    SELECT source AS source_row, destination AS destination_row, posting.* INTO v_bad
    FROM unnest(p_sources, p_destinations, p_assets, p_exponents, p_amounts)
        WITH ORDINALITY AS posting (source_id, destination_id, asset, exponent, amount, ord)
    LEFT JOIN ledger.account AS source ON source.id = source_id
    LEFT JOIN ledger.account AS destination ON destination.id = destination_id
    WHERE NOT coalesce(
        source_id <> destination_id AND source.state = 'open' AND destination.state <> 'closed'
        AND source.asset = posting.asset AND destination.asset = posting.asset
        AND source.exponent = posting.exponent AND destination.exponent = posting.exponent
        AND ledger.is_amount(amount), false)
    ORDER BY ord LIMIT 1;
    IF FOUND THEN
        PERFORM ledger.check_posting(
            v_bad.source_row, v_bad.destination_row, v_bad.asset, v_bad.exponent, v_bad.amount
        );
        RAISE EXCEPTION 'a posting is wrong and no check says why';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION ledger.check_balances(
    p_sources bigint[], p_destinations bigint[], p_amounts numeric[]
) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_bad record;
BEGIN
    SELECT owner || '/' || purpose AS name, -delta AS need, posted - held - floor AS have,
        delta < 0 AND posted + delta - held < floor AS is_short INTO v_bad
    FROM ledger.moved_by(p_sources, p_destinations, p_amounts) AS moved
    JOIN ledger.account ON account.id = moved.account_id AND floor IS NOT NULL
    WHERE (delta < 0 AND posted + delta - held < floor) OR posted + delta >= 2::numeric ^ 256
    ORDER BY is_short DESC, account.id LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    ELSIF v_bad.is_short THEN
        PERFORM ledger.refuse('insufficient_funds', jsonb_build_object(
            'account', v_bad.name, 'need', v_bad.need::text, 'have', v_bad.have::text
        ));
    ELSE
        PERFORM ledger.refuse('amount_overflow', jsonb_build_object('account', v_bad.name));
    END IF;
END $$;

-- What each account gains or loses.
CREATE OR REPLACE FUNCTION ledger.moved_by(
    p_sources bigint[], p_destinations bigint[], p_amounts numeric[]
) RETURNS TABLE (account_id bigint, delta numeric)
LANGUAGE sql IMMUTABLE AS $$
    SELECT account_id, sum(delta) FROM (
        SELECT source, -amount FROM unnest(p_sources, p_amounts) AS leaving (source, amount)
        UNION ALL
        SELECT destination, amount FROM unnest(p_destinations, p_amounts) AS coming (destination, amount)
    ) AS side (account_id, delta) GROUP BY account_id;
$$;

CREATE OR REPLACE FUNCTION ledger.write_postings(
    p_ids bigint[], p_of int[], p_numbers int[], p_sources bigint[], p_destinations bigint[],
    p_amounts numeric[], p_at timestamptz
) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    WITH side AS (
        SELECT ord, true AS is_source, source AS account_id, -amount AS delta
        FROM unnest(p_sources, p_amounts) WITH ORDINALITY AS leaving (source, amount, ord)
        UNION ALL
        SELECT ord, false, destination, amount
        FROM unnest(p_destinations, p_amounts) WITH ORDINALITY AS coming (destination, amount, ord)
    ), running AS (
        SELECT ord, is_source, CASE WHEN account.floor IS NOT NULL
            THEN account.posted + sum(delta) OVER (PARTITION BY account_id ORDER BY ord) END AS balance
        FROM side JOIN ledger.account ON account.id = account_id
    ), balances AS (
        SELECT array_agg(balance ORDER BY ord) FILTER (WHERE is_source) AS of_sources,
            array_agg(balance ORDER BY ord) FILTER (WHERE NOT is_source) AS of_destinations
        FROM running
    )
    INSERT INTO ledger.posting
        (transfer_id, n, source, destination, amount, at, source_balance, destination_balance)
    SELECT p_ids[of], n, source, destination, amount, p_at, source_balance, destination_balance
    FROM balances, unnest(p_of, p_numbers, p_sources, p_destinations, p_amounts, of_sources, of_destinations)
        AS posting (of, n, source, destination, amount, source_balance, destination_balance);
    UPDATE ledger.account SET posted = posted + delta, moved_at = p_at
    FROM ledger.moved_by(p_sources, p_destinations, p_amounts) AS moved
    WHERE account.id = moved.account_id AND floor IS NOT NULL;
END $$;
