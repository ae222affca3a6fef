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
    v_locked record;
    v_at timestamptz;
    v_fresh bigint[];
    v_ids bigint[];
BEGIN
    PERFORM pg_current_xact_id();  -- before an id is drawn: the sealer counts on it
    SELECT * INTO v_locked FROM ledger.lock_accounts(p_sources || p_destinations);
    v_at := greatest(p_now, v_locked.latest_at);
    v_fresh := ledger.draw_ids(p_keys, p_kinds, v_at, p_hold_id, p_reverses, p_linked);
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
        SELECT array_agg(of), array_agg(n), array_agg(source), array_agg(destination), array_agg(asset),
            array_agg(exponent), array_agg(amount)
        INTO p_of, p_numbers, p_sources, p_destinations, p_assets, p_exponents, p_amounts
        FROM unnest(p_of, p_numbers, p_sources, p_destinations, p_assets, p_exponents, p_amounts)
            AS posting (of, n, source, destination, asset, exponent, amount)
        WHERE v_fresh[of] IS NOT NULL;
        IF p_of IS NULL THEN
            RETURN v_ids;
        END IF;
    END IF;
    PERFORM ledger.write_postings(
        v_ids, p_of, p_numbers, p_sources, p_destinations, p_assets, p_exponents, p_amounts, v_at,
        v_locked.places
    );
    RETURN v_ids;
END $$;

-- The ids of new transfers, in the order of their keys; null where the key was used before.
CREATE OR REPLACE FUNCTION ledger.draw_ids(
    p_keys text[], p_kinds text[], p_at timestamptz, p_hold_id bigint, p_reverses bigint, p_linked text
) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_ids bigint[];
BEGIN
    WITH drawn AS (
        INSERT INTO ledger.transfer (key, kind, at, hold_id, reverses, linked)
        SELECT key, kind, p_at, p_hold_id, p_reverses, p_linked
        FROM unnest(p_keys, p_kinds) WITH ORDINALITY AS wanted (key, kind, ord) ORDER BY ord RETURNING id
    )
    SELECT array_agg(id ORDER BY id) INTO v_ids FROM drawn;
    RETURN v_ids;
EXCEPTION WHEN unique_violation THEN  -- seldom, and what asks every time (ON CONFLICT) makes each one dearer
    WITH drawn AS (
        INSERT INTO ledger.transfer (key, kind, at, hold_id, reverses, linked)
        SELECT key, kind, p_at, p_hold_id, p_reverses, p_linked
        FROM unnest(p_keys, p_kinds) WITH ORDINALITY AS wanted (key, kind, ord) ORDER BY ord
        ON CONFLICT (key) DO NOTHING RETURNING id, key
    )
    SELECT array_agg(drawn.id ORDER BY ord) INTO v_ids
    FROM unnest(p_keys) WITH ORDINALITY AS wanted (key, ord) LEFT JOIN drawn USING (key);
    RETURN v_ids;
END $$;

-- Writes what is right, and counts: only when something is missing does a second look say why. Locked accounts are
-- found by their places, which is much less work than by the index, and looking for them is most of what is done.
CREATE OR REPLACE FUNCTION ledger.write_postings(
    p_ids bigint[], p_of int[], p_numbers int[], p_sources bigint[], p_destinations bigint[], p_assets text[],
    p_exponents int[], p_amounts numeric[], p_at timestamptz, p_places tid[]
) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_sides bigint;
    v_to_change bigint;
    v_changed bigint[];
BEGIN
    WITH involved AS (
        SELECT id, asset, exponent, state, posted, held + floor AS least_posted, place
        FROM unnest(p_places) AS place JOIN ledger.account ON ctid = place
        UNION ALL
        SELECT id, asset, exponent, state, NULL, NULL, NULL
        FROM ledger.account WHERE id = ANY (p_sources || p_destinations) AND floor IS NULL
    ), side AS (
        SELECT ord, true AS is_source, source AS account_id, asset, exponent, -amount AS delta,
            source <> destination AND ledger.is_amount(amount) AS is_sane
        FROM unnest(p_sources, p_destinations, p_assets, p_exponents, p_amounts)
            WITH ORDINALITY AS leaving (source, destination, asset, exponent, amount, ord)
        UNION ALL
        SELECT ord, false, destination, asset, exponent, amount, true
        FROM unnest(p_destinations, p_assets, p_exponents, p_amounts)
            WITH ORDINALITY AS coming (destination, asset, exponent, amount, ord)
    ), running AS MATERIALIZED (
        SELECT ord, is_source, place, least_posted, posted + sum(delta) OVER walk AS balance,
            lead(true) OVER walk IS NULL AND place IS NOT NULL AS is_last
        FROM side JOIN involved ON id = account_id
        WHERE involved.asset = side.asset AND involved.exponent = side.exponent AND is_sane
            AND CASE WHEN is_source THEN state = 'open' ELSE state <> 'closed' END
        WINDOW walk AS (PARTITION BY account_id ORDER BY ord ROWS UNBOUNDED PRECEDING)
    ), posted AS (
        INSERT INTO ledger.posting
            (transfer_id, n, source, destination, amount, at, source_balance, destination_balance)
        SELECT p_ids[of], n, source, destination, amount, p_at, source_balance, destination_balance
        FROM unnest(
            p_of, p_numbers, p_sources, p_destinations, p_amounts,
            (SELECT array_agg(balance ORDER BY ord) FROM running WHERE is_source),
            (SELECT array_agg(balance ORDER BY ord) FROM running WHERE NOT is_source)
        ) AS posting (of, n, source, destination, amount, source_balance, destination_balance)
        WHERE (SELECT count(*) FROM running) = 2 * cardinality(p_amounts)
    ), changed AS (
        UPDATE ledger.account SET posted = balance, moved_at = p_at FROM running
        WHERE ctid = place AND is_last AND balance >= least_posted AND balance < 2::numeric ^ 256
        RETURNING id
    )
    SELECT count(*), count(*) FILTER (WHERE is_last), (SELECT coalesce(array_agg(id), '{}') FROM changed)
    INTO v_sides, v_to_change, v_changed FROM running;
    IF v_sides < 2 * cardinality(p_amounts) THEN
        PERFORM ledger.refuse_posting(p_sources, p_destinations, p_assets, p_exponents, p_amounts);
    ELSIF cardinality(v_changed) < v_to_change THEN
        PERFORM ledger.refuse_balance(p_sources, p_destinations, p_amounts, v_changed);
    END IF;
END $$;

-- Says what is wrong with the first posting that is, whatever the balances.
CREATE OR REPLACE FUNCTION ledger.refuse_posting(
    p_sources bigint[], p_destinations bigint[], p_assets text[], p_exponents int[], p_amounts numeric[]
) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_posting record;
BEGIN
    FOR v_posting IN
        SELECT source AS source_row, destination AS destination_row, posting.*
        FROM unnest(p_sources, p_destinations, p_assets, p_exponents, p_amounts)
            WITH ORDINALITY AS posting (source_id, destination_id, asset, exponent, amount, ord)
        LEFT JOIN ledger.account AS source ON source.id = source_id
        LEFT JOIN ledger.account AS destination ON destination.id = destination_id
        ORDER BY ord
    LOOP
        PERFORM ledger.check_posting(
            v_posting.source_row, v_posting.destination_row, v_posting.asset, v_posting.exponent, v_posting.amount
        );
    END LOOP;
    RAISE EXCEPTION 'a posting is wrong and no check says why';
END $$;

-- Says which account would lose more than it has, or have more than there can be: it was not changed.
CREATE OR REPLACE FUNCTION ledger.refuse_balance(
    p_sources bigint[], p_destinations bigint[], p_amounts numeric[], p_changed bigint[]
) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_bad record;
BEGIN
    SELECT owner || '/' || purpose AS name, -delta AS need, posted - held - floor AS have,
        posted + delta - held < floor AS is_short INTO v_bad
    FROM (
        SELECT account_id, sum(delta) AS delta FROM (
            SELECT source, -amount FROM unnest(p_sources, p_amounts) AS leaving (source, amount)
            UNION ALL
            SELECT destination, amount FROM unnest(p_destinations, p_amounts) AS coming (destination, amount)
        ) AS side (account_id, delta) GROUP BY account_id
    ) AS moved JOIN ledger.account ON account.id = account_id AND floor IS NOT NULL
    WHERE NOT account.id = ANY (p_changed) ORDER BY is_short DESC, account.id LIMIT 1;
    IF v_bad.is_short THEN
        PERFORM ledger.refuse('insufficient_funds', jsonb_build_object(
            'account', v_bad.name, 'need', v_bad.need::text, 'have', v_bad.have::text
        ));
    END IF;
    PERFORM ledger.refuse('amount_overflow', jsonb_build_object('account', v_bad.name));
END $$;
