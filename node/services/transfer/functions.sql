-- The confirmation of a transfer: everything that it takes, in one call. To a phone the same is done whether or not
-- anybody has it: the money goes into the sender's transit and is held there; who has the phone is asked later.
-- Locks, in this order: the transfer, the request, people, what was spent, the ledger's accounts.
-- `p_rules` holds the node's bounds of spending (`spending`) and of what markets keep (`reserve`).
-- Returns 'step_up' when a second proof is needed and there is none, 'again' for what was confirmed before.

CREATE OR REPLACE FUNCTION transfer.confirm(
    p_id uuid, p_account_id uuid, p_market_id uuid, p_rules jsonb, p_is_proved boolean, p_now timestamptz
) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
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
