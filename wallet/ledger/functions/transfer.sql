-- The command that is called most: one transfer of one posting. The same as `ledger.post` in fewer statements.

CREATE OR REPLACE FUNCTION ledger.move(
    p_key text, p_kind text, p_source bigint, p_destination bigint,
    p_asset text, p_exponent int, p_amount numeric, p_now timestamptz
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_source ledger.account;
    v_destination ledger.account;
    v_at timestamptz;
    v_id bigint;
BEGIN
    PERFORM pg_current_xact_id();  -- before an id is drawn: the sealer counts on it
    IF p_source < p_destination THEN
        SELECT * INTO v_source FROM ledger.account
            WHERE id = p_source AND floor IS NOT NULL FOR NO KEY UPDATE;
        SELECT * INTO v_destination FROM ledger.account
            WHERE id = p_destination AND floor IS NOT NULL FOR NO KEY UPDATE;
    ELSE
        SELECT * INTO v_destination FROM ledger.account
            WHERE id = p_destination AND floor IS NOT NULL FOR NO KEY UPDATE;
        SELECT * INTO v_source FROM ledger.account
            WHERE id = p_source AND floor IS NOT NULL FOR NO KEY UPDATE;
    END IF;
    v_at := greatest(p_now, v_source.moved_at, v_destination.moved_at);
    INSERT INTO ledger.transfer (key, kind, at) VALUES (p_key, p_kind, v_at)
        ON CONFLICT (key) DO NOTHING RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        RETURN ledger.replayed(
            p_key, p_kind, NULL, NULL, ARRAY[1], ARRAY[p_source], ARRAY[p_destination], ARRAY[p_amount]
        );
    END IF;
    IF v_source.id IS NULL THEN
        SELECT * INTO v_source FROM ledger.account WHERE id = p_source;
    END IF;
    IF v_destination.id IS NULL THEN
        SELECT * INTO v_destination FROM ledger.account WHERE id = p_destination;
    END IF;
    IF (
        p_source <> p_destination AND v_source.state = 'open' AND v_destination.state <> 'closed'
        AND v_source.asset = p_asset AND v_destination.asset = p_asset
        AND v_source.exponent = p_exponent AND v_destination.exponent = p_exponent
        AND ledger.is_amount(p_amount)
    ) IS NOT TRUE THEN
        PERFORM ledger.check_posting(v_source, v_destination, p_asset, p_exponent, p_amount);
        RAISE EXCEPTION 'a posting is wrong and no check says why';
    END IF;
    IF v_source.posted - p_amount - v_source.held < v_source.floor THEN
        PERFORM ledger.refuse('insufficient_funds', jsonb_build_object(
            'account', v_source.owner || '/' || v_source.purpose, 'need', p_amount::text,
            'have', (v_source.posted - v_source.held - v_source.floor)::text
        ));
    ELSIF v_destination.floor IS NOT NULL AND v_destination.posted + p_amount >= 2::numeric ^ 256 THEN
        PERFORM ledger.refuse('amount_overflow', jsonb_build_object(
            'account', v_destination.owner || '/' || v_destination.purpose
        ));
    END IF;
    WITH posted AS (
        INSERT INTO ledger.posting
            (transfer_id, n, source, destination, amount, at, source_balance, destination_balance)
        VALUES (
            v_id, 1, p_source, p_destination, p_amount, v_at,
            CASE WHEN v_source.floor IS NOT NULL THEN v_source.posted - p_amount END,
            CASE WHEN v_destination.floor IS NOT NULL THEN v_destination.posted + p_amount END
        )
    )
    UPDATE ledger.account
        SET posted = posted + CASE id WHEN p_source THEN -p_amount ELSE p_amount END, moved_at = v_at
        WHERE id IN (p_source, p_destination) AND floor IS NOT NULL;
    RETURN v_id;
END $$;

-- Of one posting: everything that does not depend on balances.
CREATE OR REPLACE FUNCTION ledger.check_posting(
    p_source ledger.account, p_destination ledger.account, p_asset text, p_exponent int, p_amount numeric
) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF p_source.id IS NULL OR p_destination.id IS NULL THEN
        PERFORM ledger.refuse('account_unknown', '{}');
    ELSIF p_source.id = p_destination.id THEN
        PERFORM ledger.refuse('self_transfer', jsonb_build_object(
            'account', p_source.owner || '/' || p_source.purpose
        ));
    ELSIF NOT ledger.is_amount(p_amount) THEN
        PERFORM ledger.refuse('amount_invalid', jsonb_build_object('amount', left(p_amount::text, 90)));
    END IF;
    IF (p_source.asset, p_source.exponent) IS DISTINCT FROM (p_asset, p_exponent::smallint)
        OR (p_destination.asset, p_destination.exponent) IS DISTINCT FROM (p_asset, p_exponent::smallint)
    THEN
        PERFORM ledger.refuse('currency_mismatch', jsonb_build_object(
            'asset', p_asset, 'exponent', p_exponent, 'source', p_source.asset || ' ' || p_source.exponent,
            'destination', p_destination.asset || ' ' || p_destination.exponent
        ));
    ELSIF p_source.state = 'closed' OR p_destination.state = 'closed' THEN
        PERFORM ledger.refuse('account_closed', jsonb_build_object(
            'account', CASE WHEN p_source.state = 'closed' THEN p_source.owner || '/' || p_source.purpose
                ELSE p_destination.owner || '/' || p_destination.purpose END
        ));
    ELSIF p_source.state = 'frozen' THEN
        PERFORM ledger.refuse('account_frozen', jsonb_build_object(
            'account', p_source.owner || '/' || p_source.purpose
        ));
    END IF;
END $$;
