-- Holds: promised money. It stays posted, and `held` of its account keeps it from being spent otherwise. A command
-- on a hold locks the hold first and accounts after it, always.

CREATE OR REPLACE FUNCTION ledger.place_hold(
    p_key text, p_account_id bigint, p_asset text, p_exponent int, p_amount numeric,
    p_expires_at timestamptz, p_now timestamptz
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_account ledger.account;
    v_known ledger.hold;
    v_id bigint;
    v_name text := ledger.account_name(p_account_id);
BEGIN
    SELECT * INTO v_account FROM ledger.account WHERE id = p_account_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM ledger.refuse('account_unknown', '{}');
    END IF;
    SELECT * INTO v_known FROM ledger.hold WHERE key = p_key;
    IF FOUND THEN
        IF v_known.account_id <> p_account_id OR v_known.amount <> p_amount THEN
            PERFORM ledger.refuse('key_reused', jsonb_build_object('key', p_key));
        END IF;
        RETURN v_known.id;
    ELSIF NOT ledger.is_amount(p_amount) THEN
        PERFORM ledger.refuse('amount_invalid', jsonb_build_object('amount', left(p_amount::text, 90)));
    ELSIF (v_account.asset, v_account.exponent) IS DISTINCT FROM (p_asset, p_exponent::smallint) THEN
        PERFORM ledger.refuse('currency_mismatch', jsonb_build_object(
            'asset', p_asset, 'exponent', p_exponent, 'source', v_account.asset || ' ' || v_account.exponent
        ));
    ELSIF v_account.state <> 'open' THEN
        PERFORM ledger.refuse('account_' || v_account.state, jsonb_build_object('account', v_name));
    ELSIF v_account.floor IS NULL THEN
        PERFORM ledger.refuse('account_without_floor', jsonb_build_object('account', v_name));
    ELSIF p_expires_at <= p_now THEN
        PERFORM ledger.refuse('hold_expired', jsonb_build_object('account', v_name));
    ELSIF v_account.posted - v_account.held - p_amount < v_account.floor THEN
        PERFORM ledger.refuse('insufficient_funds', jsonb_build_object(
            'account', v_name, 'need', p_amount::text,
            'have', (v_account.posted - v_account.held - v_account.floor)::text
        ));
    END IF;
    INSERT INTO ledger.hold (key, account_id, amount, placed_at, expires_at)
        VALUES (p_key, p_account_id, p_amount, p_now, p_expires_at)
        ON CONFLICT (key) DO NOTHING RETURNING id INTO v_id;
    IF v_id IS NULL THEN  -- another account's command took the key while this one looked
        PERFORM ledger.refuse('key_reused', jsonb_build_object('key', p_key));
    END IF;
    UPDATE ledger.account SET held = held + p_amount WHERE id = p_account_id;
    RETURN v_id;
END $$;

-- Pays held money out, in one part or several. `p_is_last` gives back what is left.
CREATE OR REPLACE FUNCTION ledger.capture_hold(
    p_key text, p_kind text, p_hold_id bigint, p_destinations bigint[], p_assets text[], p_exponents int[],
    p_amounts numeric[], p_is_last boolean, p_now timestamptz
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_hold ledger.hold;
    v_known bigint;
    v_total numeric := (SELECT sum(amount) FROM unnest(p_amounts) AS part (amount));
    v_rest numeric;
    v_sources bigint[];
    v_numbers int[] := (SELECT array_agg(n) FROM generate_series(1, cardinality(p_amounts)) AS n);
BEGIN
    SELECT * INTO v_hold FROM ledger.hold WHERE id = p_hold_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM ledger.refuse('hold_unknown', '{}');
    END IF;
    v_sources := array_fill(v_hold.account_id, ARRAY[cardinality(p_amounts)]);
    v_known := ledger.replayed(
        p_key, p_kind, p_hold_id, NULL, v_numbers, v_sources, p_destinations, p_amounts
    );
    IF v_known IS NOT NULL THEN
        RETURN v_known;
    END IF;
    PERFORM ledger.require_open(v_hold, p_now);
    IF EXISTS (SELECT FROM unnest(p_amounts) AS part (amount) WHERE NOT ledger.is_amount(amount)) THEN
        PERFORM ledger.refuse('amount_invalid', jsonb_build_object('amount', left(p_amounts::text, 90)));
    END IF;
    v_rest := v_hold.amount - v_hold.captured - v_total;
    IF v_rest < 0 THEN
        PERFORM ledger.refuse('hold_exceeded', jsonb_build_object(
            'need', v_total::text, 'have', (v_hold.amount - v_hold.captured)::text
        ));
    END IF;
    PERFORM ledger.lock_accounts(p_destinations || v_hold.account_id);
    UPDATE ledger.account SET held = held - v_total - CASE WHEN p_is_last THEN v_rest ELSE 0 END
        WHERE id = v_hold.account_id;
    UPDATE ledger.hold SET captured = captured + v_total,
        state = CASE WHEN p_is_last OR v_rest = 0 THEN 'captured' ELSE 'open' END,
        ended_at = CASE WHEN p_is_last OR v_rest = 0 THEN p_now END
        WHERE id = p_hold_id;
    RETURN (ledger.post_all(
        ARRAY[p_key], ARRAY[p_kind], array_fill(1, ARRAY[cardinality(p_amounts)]), v_numbers, v_sources,
        p_destinations, p_assets, p_exponents, p_amounts, p_now, p_hold_id, NULL, NULL
    ))[1];
END $$;

-- Gives back what is left of a hold. True when this call did; voiding twice is no error.
CREATE OR REPLACE FUNCTION ledger.void_hold(p_hold_id bigint, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_hold ledger.hold;
BEGIN
    SELECT * INTO v_hold FROM ledger.hold WHERE id = p_hold_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM ledger.refuse('hold_unknown', '{}');
    ELSIF v_hold.state IN ('voided', 'expired') THEN
        RETURN false;
    ELSIF v_hold.state = 'captured' THEN
        PERFORM ledger.refuse('hold_ended', jsonb_build_object('state', v_hold.state));
    END IF;
    UPDATE ledger.account SET held = held - (v_hold.amount - v_hold.captured) WHERE id = v_hold.account_id;
    UPDATE ledger.hold SET state = 'voided', ended_at = p_now WHERE id = p_hold_id;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION ledger.require_open(p_hold ledger.hold, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF p_hold.state = 'expired' OR (p_hold.state = 'open' AND p_hold.expires_at <= p_now) THEN
        PERFORM ledger.refuse('hold_expired', '{}');
    ELSIF p_hold.state <> 'open' THEN
        PERFORM ledger.refuse('hold_ended', jsonb_build_object('state', p_hold.state));
    END IF;
END $$;

-- Gives back what is left of holds past their time; returns how many. Those in use are left for the next round.
CREATE OR REPLACE FUNCTION ledger.expire_holds(p_now timestamptz, p_limit int) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_holds bigint[];
BEGIN
    SELECT array_agg(id) INTO v_holds FROM (
        SELECT id FROM ledger.hold WHERE state = 'open' AND expires_at <= p_now
        ORDER BY expires_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
    ) AS due;
    IF v_holds IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM ledger.lock_accounts((SELECT array_agg(account_id) FROM ledger.hold WHERE id = ANY (v_holds)));
    UPDATE ledger.account SET held = held - freed.amount
    FROM (
        SELECT account_id, sum(amount - captured) AS amount FROM ledger.hold
        WHERE id = ANY (v_holds) GROUP BY account_id
    ) AS freed WHERE account.id = freed.account_id;
    UPDATE ledger.hold SET state = 'expired', ended_at = p_now WHERE id = ANY (v_holds);
    RETURN cardinality(v_holds);
END $$;
