-- Appends an event to its stream, for SQL functions that are a command of their own and for `record.py`. Returns the
-- version that it got; where that is not the one after `p_expected`, nothing was appended.

CREATE OR REPLACE FUNCTION kernel.record_event(
    p_id uuid, p_stream text, p_type_name text, p_schema_version int, p_payload jsonb, p_at timestamptz,
    p_request_id text, p_expected bigint
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_version bigint;
BEGIN
    INSERT INTO kernel.stream_head AS head (stream, version) VALUES (p_stream, 1)
        ON CONFLICT (stream) DO UPDATE SET version = head.version + 1 RETURNING version INTO v_version;
    IF v_version <> p_expected + 1 THEN
        RETURN v_version;
    END IF;
    INSERT INTO kernel.event
        (id, stream, version, type_name, schema_version, payload, occurred_at, request_id)
        VALUES (p_id, p_stream, v_version, p_type_name, p_schema_version, p_payload, p_at, p_request_id);
    PERFORM pg_notify('asoud_event_recorded', '');
    RETURN v_version;
END $$;
