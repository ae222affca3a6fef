-- What all commands stand on. Functions without SECURITY DEFINER run with their caller's rights: called from a
-- command they are the owner, called by the app's role they can write nothing.

CREATE OR REPLACE FUNCTION ledger.refuse(p_code text, p_fields jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'ALREF', MESSAGE = p_code, DETAIL = p_fields::text;
END $$;

-- What may move: a whole number from 1 to 2^256 - 1. Postgres thinks NaN greater than all of them.
CREATE OR REPLACE FUNCTION ledger.is_amount(p_amount numeric) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(p_amount > 0 AND p_amount < 2::numeric ^ 256 AND p_amount = trunc(p_amount), false);
$$;

-- Nothing, or a credit limit below it.
CREATE OR REPLACE FUNCTION ledger.is_floor(p_floor numeric) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(p_floor <= 0 AND p_floor > -(2::numeric ^ 256) AND p_floor = trunc(p_floor), false);
$$;

-- How errors name an account.
CREATE OR REPLACE FUNCTION ledger.account_name(p_account_id bigint) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT owner || '/' || purpose FROM ledger.account WHERE id = p_account_id), p_account_id::text
    );
$$;

-- Every lock on accounts is taken here or in `ledger.move`, in the order of their ids, so that commands cannot
-- wait for each other in a circle. Accounts without a floor are not locked at all. Gives the places of the locked
-- ones, from which nobody else moves them while the lock lasts, and when the youngest of them last moved:
-- time never runs backwards in an account.
CREATE OR REPLACE FUNCTION ledger.lock_accounts(p_accounts bigint[], OUT places tid[], OUT latest_at timestamptz)
LANGUAGE sql VOLATILE AS $$
    SELECT array_agg(place), max(moved_at) FROM (
        SELECT ctid AS place, moved_at FROM ledger.account
        WHERE id = ANY (p_accounts) AND floor IS NOT NULL ORDER BY id FOR NO KEY UPDATE
    ) AS locked;
$$;

-- A transfer that was made before under the same key: its id when it is the same command, else a refusal.
CREATE OR REPLACE FUNCTION ledger.replayed(
    p_key text, p_kind text, p_hold_id bigint, p_reverses bigint,
    p_numbers int[], p_sources bigint[], p_destinations bigint[], p_amounts numeric[]
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_known ledger.transfer;
    v_same boolean;
BEGIN
    SELECT * INTO v_known FROM ledger.transfer WHERE key = p_key;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(array_agg(ROW (n, source, destination, amount)::text ORDER BY n), '{}') = (
        SELECT coalesce(array_agg(ROW (wanted.*)::text ORDER BY wanted.n), '{}')
        FROM unnest(p_numbers, p_sources, p_destinations, p_amounts) AS wanted (n, source, destination, amount)
    ) INTO v_same FROM ledger.posting WHERE transfer_id = v_known.id;
    IF NOT v_same OR v_known.kind <> p_kind OR v_known.hold_id IS DISTINCT FROM p_hold_id
        OR v_known.reverses IS DISTINCT FROM p_reverses
    THEN
        PERFORM ledger.refuse('key_reused', jsonb_build_object('key', p_key));
    END IF;
    RETURN v_known.id;
END $$;
