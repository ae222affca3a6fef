-- The confirmation of a transfer: everything that it takes, in one call. To a phone the same is done whether or not
-- anybody has it: the money goes into the sender's transit and is held there; who has the phone is asked later.
-- Locks, in this order: the transfer, the request, people, what was spent, the ledger's accounts.
-- `p_rules` holds the node's bounds of spending (`spending`) and of what markets keep (`reserve`).
-- Returns 'step_up' when a second proof is needed and there is none, 'again' for what was confirmed before.

CREATE OR REPLACE FUNCTION transfer.confirm(
    p_id uuid, p_account_id uuid, p_market_id uuid, p_rules jsonb, p_is_proved boolean, p_now timestamptz
) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_sent transfer.transfer;
    v_key text := 'transfer:' || p_id || ':send';
    v_hold bigint;
BEGIN
    SELECT * INTO v_sent FROM transfer.transfer WHERE id = p_id
        AND (market_id = p_market_id OR (market_id IS NULL AND p_market_id IS NULL AND account_id = p_account_id))
        FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM ledger.refuse('wallet_transfer_unknown', '{}');
    ELSIF v_sent.state <> 'quoted' THEN
        RETURN 'again';
    ELSIF v_sent.expires_at <= p_now THEN
        PERFORM ledger.refuse('transfer_lapsed', '{}');
    ELSIF NOT p_is_proved AND v_sent.amount > (p_rules -> 'spending' -> v_sent.asset ->> 'step_up')::numeric THEN
        RETURN 'step_up';
    END IF;
    IF v_sent.request_id IS NOT NULL THEN
        PERFORM transfer.pay_request(v_sent.request_id, p_now);
    END IF;
    PERFORM transfer.require_people(ARRAY[
        CASE WHEN p_market_id IS NULL THEN p_account_id END, v_sent.receiver_account_id
    ]);
    PERFORM spending.take(
        v_sent.owner, CASE WHEN p_market_id IS NULL THEN v_sent.account_id END, v_sent.asset,
        v_sent.amount + v_sent.fee, p_rules -> 'spending', p_now
    );
    IF v_sent.fee = 0 THEN
        PERFORM ledger.move(
            v_key, 'transfer', v_sent.source, v_sent.destination, v_sent.asset, v_sent.exponent, v_sent.amount, p_now
        );
    ELSE
        PERFORM ledger.post(
            ARRAY[v_key], ARRAY['transfer'], ARRAY[1, 1], ARRAY[1, 2], ARRAY[v_sent.source, v_sent.source],
            ARRAY[v_sent.destination, v_sent.fees], ARRAY[v_sent.asset, v_sent.asset],
            ARRAY[v_sent.exponent, v_sent.exponent]::int[], ARRAY[v_sent.amount, v_sent.fee], p_now
        );
    END IF;
    IF p_market_id IS NOT NULL THEN
        PERFORM payout.require_reserve(p_market_id, v_sent.source, p_rules -> 'reserve', p_now);
    END IF;
    IF v_sent.way = 'phone' THEN
        v_hold := ledger.place_hold(
            'transfer:' || p_id || ':hold', v_sent.destination, v_sent.asset, v_sent.exponent, v_sent.amount,
            v_sent.returns_at, p_now
        );
    END IF;
    UPDATE transfer.transfer SET confirmed_at = p_now, confirmed_by = p_account_id, hold_id = v_hold,
        state = CASE WHEN way = 'phone' THEN 'sent' ELSE 'delivered' END,
        ended_at = CASE WHEN way <> 'phone' THEN p_now END
        WHERE id = p_id;
    RETURN 'done';
END $$;

-- The whole command: whether the session counts, the confirmation, its event, and what the sender is told. Null: a second proof is needed.
CREATE OR REPLACE FUNCTION transfer.confirm_and_tell(
    p_id uuid, p_account_id uuid, p_session_id uuid, p_market_id uuid, p_rules jsonb, p_is_proved boolean,
    p_event uuid, p_request_id text, p_now timestamptz
) RETURNS json
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_frozen_at timestamptz;
    v_outcome text;
BEGIN
    SELECT account.frozen_at INTO v_frozen_at FROM identity.session
        JOIN identity.account ON account.id = session.account_id
        WHERE session.id = p_session_id AND session.account_id = p_account_id AND session.ended_at IS NULL;
    IF NOT FOUND THEN
        PERFORM ledger.refuse('session_ended', '{}');
    ELSIF v_frozen_at IS NOT NULL THEN
        PERFORM ledger.refuse('user_frozen', '{}');
    END IF;
    v_outcome := transfer.confirm(p_id, p_account_id, p_market_id, p_rules, p_is_proved, p_now);
    IF v_outcome = 'step_up' THEN
        RETURN NULL;
    ELSIF v_outcome = 'done' THEN
        PERFORM kernel.record_event(
            p_event, 'transfer:' || p_id, 'transfer.sent', 1, jsonb_build_object('transfer_id', p_id), p_now,
            p_request_id, NULL, false
        );
    END IF;
    RETURN (SELECT transfer.as_sent(sent, p_now) FROM transfer.transfer AS sent WHERE id = p_id);
END $$;

CREATE OR REPLACE FUNCTION transfer.pay_request(p_id uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_request transfer.request;
BEGIN
    SELECT * INTO v_request FROM transfer.request WHERE id = p_id FOR NO KEY UPDATE;
    IF v_request.cancelled_at IS NOT NULL OR v_request.expires_at <= p_now
        OR (v_request.is_once AND v_request.paid > 0)
    THEN
        PERFORM ledger.refuse('request_over', '{}');
    END IF;
    UPDATE transfer.request SET paid = paid + 1 WHERE id = p_id;
END $$;

-- Neither of them ends before this transaction does. Nulls are nobody.
CREATE OR REPLACE FUNCTION transfer.require_people(p_accounts uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_there int;
BEGIN
    SELECT count(*) INTO v_there FROM (
        SELECT id FROM identity.account WHERE id = ANY (p_accounts) AND closed_at IS NULL ORDER BY id FOR KEY SHARE
    ) AS found;
    IF v_there < (SELECT count(DISTINCT id) FROM unnest(p_accounts) AS id) THEN
        PERFORM ledger.refuse('receiver_gone', '{}');
    END IF;
END $$;

-- What others see of who sends or asks. Ids of accounts are nobody's business.
CREATE OR REPLACE FUNCTION transfer.shown_name(p_account_id uuid, p_market_id uuid) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p_market_id IS NOT NULL
        THEN (SELECT name FROM market.market WHERE id = p_market_id)
        ELSE coalesce(
            (SELECT '@' || handle FROM identity.handle WHERE account_id = p_account_id AND is_current),
            '…' || right(p_account_id::text, 4)
        ) END;
$$;

-- A phone or an address as people recognise what they know already.
CREATE OR REPLACE FUNCTION transfer.masked(p_way text, p_target text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_way
        WHEN 'phone' THEN left(p_target, 3) || '•••' || right(p_target, 4)
        WHEN 'address' THEN left(p_target, 6) || '…' || right(p_target, 4)
        ELSE '@' || p_target END;
$$;

CREATE OR REPLACE FUNCTION transfer.amount_json(p_value numeric, p_asset text) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object('value', p_value::text, 'asset', json_build_object(
        'id', asset.id, 'code', asset.code, 'exponent', asset.exponent
    )) FROM ledger.asset WHERE asset.id = p_asset;
$$;

-- RFC 3339 in UTC.
CREATE OR REPLACE FUNCTION transfer.time_text(p_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
$$;

-- A transfer as its sender sees it. Of one to a phone nothing tells whether somebody has the phone: it stays `sent`,
-- unless it came back.
CREATE OR REPLACE FUNCTION transfer.as_sent(p_sent transfer.transfer, p_now timestamptz) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', p_sent.id, 'direction', 'out', 'way', p_sent.way, 'to', p_sent.target,
        'counterparty', CASE WHEN p_sent.way = 'request'
            THEN transfer.shown_name(p_sent.receiver_account_id, NULL)
            ELSE transfer.masked(p_sent.way, p_sent.target) END,
        'amount', transfer.amount_json(p_sent.amount, p_sent.asset),
        'fee', transfer.amount_json(p_sent.fee, p_sent.asset),
        'note', p_sent.note,
        'state', CASE WHEN p_sent.state = 'quoted' AND p_sent.expires_at <= p_now THEN 'lapsed'
            WHEN p_sent.way = 'phone' AND p_sent.state = 'delivered' THEN 'sent' ELSE p_sent.state END,
        'prepared_at', transfer.time_text(p_sent.quoted_at), 'expires_at', transfer.time_text(p_sent.expires_at),
        'confirmed_at', transfer.time_text(p_sent.confirmed_at),
        'returns_at', transfer.time_text(p_sent.returns_at)
    );
$$;
