-- Around users: what administrators do to an account, what users tell them, who they say they are elsewhere.

-- C-S API, "Account moderation".
ALTER TABLE users ADD COLUMN is_locked BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN is_suspended BOOLEAN NOT NULL DEFAULT FALSE;

-- How many messages single users may send; nothing a second: as many as they like.
CREATE TABLE rate_limit_overrides (
    user_id             TEXT             NOT NULL PRIMARY KEY,
    messages_per_second DOUBLE PRECISION NOT NULL,
    burst_count         DOUBLE PRECISION NOT NULL
);

ALTER TABLE devices ADD COLUMN last_seen_user_agent TEXT;

CREATE TABLE openid_tokens (
    token_hash BYTEA  NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL,
    expires_ts BIGINT NOT NULL
);
CREATE INDEX openid_tokens_expires ON openid_tokens (expires_ts);

-- Of a room, of an event (with its sender), or of a user.
CREATE TABLE reports (
    report_id   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_ts BIGINT NOT NULL,
    reporter    TEXT   NOT NULL,
    room_id     TEXT,
    event_id    TEXT,
    user_id     TEXT,
    reason      TEXT,
    CHECK (room_id IS NOT NULL OR user_id IS NOT NULL)
);
