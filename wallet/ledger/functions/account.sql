-- Assets and accounts.

CREATE OR REPLACE FUNCTION ledger.register_asset(p_id text, p_code text, p_exponent int) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO ledger.asset (id, code, exponent) VALUES (p_id, p_code, p_exponent) ON CONFLICT (id) DO NOTHING;
    IF (SELECT exponent FROM ledger.asset WHERE id = p_id) <> p_exponent THEN
        PERFORM ledger.refuse('currency_mismatch', jsonb_build_object('asset', p_id, 'exponent', p_exponent));
    END IF;
END $$;

-- The owner's account for a purpose, opened when there is none. A null floor makes an account that never runs dry.
CREATE OR REPLACE FUNCTION ledger.open_account(
    p_owner text, p_purpose text, p_asset text, p_exponent int, p_floor numeric, p_now timestamptz
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_id bigint;
    v_exponent int;
BEGIN
    SELECT id, exponent INTO v_id, v_exponent FROM ledger.account
        WHERE owner = p_owner AND purpose = p_purpose AND asset = p_asset;
    IF NOT FOUND THEN
        SELECT exponent INTO v_exponent FROM ledger.asset WHERE id = p_asset;
    END IF;
    IF v_exponent IS NULL THEN
        PERFORM ledger.refuse('asset_unknown', jsonb_build_object('asset', p_asset));
    ELSIF v_exponent <> p_exponent THEN
        PERFORM ledger.refuse('currency_mismatch', jsonb_build_object('asset', p_asset, 'exponent', p_exponent));
    ELSIF p_floor IS NOT NULL AND NOT ledger.is_floor(p_floor) THEN
        PERFORM ledger.refuse('amount_invalid', jsonb_build_object('amount', left(p_floor::text, 90)));
    ELSIF v_id IS NULL THEN
        INSERT INTO ledger.account (owner, purpose, asset, exponent, floor, moved_at)
            VALUES (p_owner, p_purpose, p_asset, p_exponent, p_floor, p_now)
            ON CONFLICT (owner, purpose, asset) DO NOTHING RETURNING id INTO v_id;
    END IF;
    IF v_id IS NULL THEN  -- somebody else opened it while this call looked
        SELECT id INTO v_id FROM ledger.account
            WHERE owner = p_owner AND purpose = p_purpose AND asset = p_asset;
    END IF;
    RETURN v_id;
END $$;

-- A frozen account takes money and gives none; a closed one is empty and stays so.
CREATE OR REPLACE FUNCTION ledger.set_state(p_account_id bigint, p_state text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_account ledger.account;
BEGIN
    SELECT * INTO v_account FROM ledger.account WHERE id = p_account_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM ledger.refuse('account_unknown', '{}');
    ELSIF p_state NOT IN ('open', 'frozen', 'closed') THEN
        RAISE EXCEPTION 'no such state of an account';
    ELSIF v_account.state = 'closed' AND p_state <> 'closed' THEN
        PERFORM ledger.refuse('account_closed', jsonb_build_object('account', ledger.account_name(p_account_id)));
    ELSIF p_state = 'closed' AND (v_account.floor IS NULL OR v_account.posted <> 0 OR v_account.held <> 0) THEN
        PERFORM ledger.refuse('account_not_empty', jsonb_build_object('account', ledger.account_name(p_account_id)));
    END IF;
    UPDATE ledger.account SET state = p_state WHERE id = p_account_id;
END $$;

-- A lower floor is a credit limit. Whether an account has a floor at all is settled when it is opened.
CREATE OR REPLACE FUNCTION ledger.set_floor(p_account_id bigint, p_floor numeric) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_account ledger.account;
BEGIN
    SELECT * INTO v_account FROM ledger.account WHERE id = p_account_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM ledger.refuse('account_unknown', '{}');
    ELSIF v_account.floor IS NULL THEN
        PERFORM ledger.refuse('account_without_floor', jsonb_build_object(
            'account', ledger.account_name(p_account_id)
        ));
    ELSIF NOT ledger.is_floor(p_floor) THEN
        PERFORM ledger.refuse('amount_invalid', jsonb_build_object('amount', left(p_floor::text, 90)));
    ELSIF v_account.posted - v_account.held < p_floor THEN
        PERFORM ledger.refuse('insufficient_funds', jsonb_build_object(
            'account', ledger.account_name(p_account_id), 'need', (p_floor)::text,
            'have', (v_account.posted - v_account.held)::text
        ));
    END IF;
    UPDATE ledger.account SET floor = p_floor WHERE id = p_account_id;
END $$;
