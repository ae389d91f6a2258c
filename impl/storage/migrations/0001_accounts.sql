-- Users, their devices and tokens, and what is kept for them. Tokens are stored as SHA-256: who reads the database
-- cannot use them.

CREATE TABLE users (
    user_id        TEXT    NOT NULL PRIMARY KEY,
    -- argon2id, or bcrypt where it was imported. NULL: no password, so no login by password.
    password_hash  TEXT,
    created_ts     BIGINT  NOT NULL,
    is_admin       BOOLEAN NOT NULL DEFAULT FALSE,
    is_guest       BOOLEAN NOT NULL DEFAULT FALSE,
    is_deactivated BOOLEAN NOT NULL DEFAULT FALSE,
    appservice_id  TEXT
);
CREATE INDEX users_deactivated ON users (user_id) WHERE is_deactivated;

CREATE TABLE devices (
    user_id      TEXT   NOT NULL REFERENCES users,
    device_id    TEXT   NOT NULL,
    display_name TEXT,
    created_ts   BIGINT NOT NULL,
    last_seen_ts BIGINT,
    last_seen_ip TEXT,
    -- When who has the device last proved who they are: by a login, or for an operation that asked for it.
    proved_ts    BIGINT,
    PRIMARY KEY (user_id, device_id)
);

CREATE TABLE access_tokens (
    token_hash BYTEA  NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL,
    device_id  TEXT   NOT NULL,
    created_ts BIGINT NOT NULL,
    -- NULL: never.
    expires_ts BIGINT,
    -- The refresh token that was given out with it. Once this access token is used, what came before is void.
    refresh_token_hash BYTEA,
    FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE
);
CREATE INDEX access_tokens_device ON access_tokens (user_id, device_id);
CREATE INDEX access_tokens_expired ON access_tokens (expires_ts) WHERE expires_ts IS NOT NULL;

-- A refresh token that was used stays until its successor is used: the answer may have been lost.
CREATE TABLE refresh_tokens (
    token_hash      BYTEA  NOT NULL PRIMARY KEY,
    user_id         TEXT   NOT NULL,
    device_id       TEXT   NOT NULL,
    created_ts      BIGINT NOT NULL,
    expires_ts      BIGINT,
    successor_hash  BYTEA,
    -- Whatever is refreshed, the session ends then. NULL: never.
    session_ends_ts BIGINT,
    FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_device ON refresh_tokens (user_id, device_id);
CREATE INDEX refresh_tokens_successor ON refresh_tokens (successor_hash);
CREATE INDEX refresh_tokens_expired ON refresh_tokens (expires_ts) WHERE expires_ts IS NOT NULL;

CREATE TABLE registration_tokens (
    token        TEXT   NOT NULL PRIMARY KEY,
    -- NULL: any number.
    uses_allowed INTEGER,
    pending      INTEGER NOT NULL DEFAULT 0,
    completed    INTEGER NOT NULL DEFAULT 0,
    -- NULL: never.
    expires_ts   BIGINT
);

-- Nonces of registration by shared secret that were used or given out, until they expire.
CREATE TABLE registration_nonces (
    nonce      TEXT   NOT NULL PRIMARY KEY,
    created_ts BIGINT NOT NULL
);
CREATE INDEX registration_nonces_created ON registration_nonces (created_ts);

-- User-interactive authentication under way, so that any worker may serve any step.
CREATE TABLE ui_auth_sessions (
    session_id TEXT   NOT NULL PRIMARY KEY,
    created_ts BIGINT NOT NULL,
    -- What the session is for: it is not good for anything else.
    operation  TEXT   NOT NULL,
    -- The request's body without `auth`: later steps may leave it out.
    body       TEXT   NOT NULL,
    -- Stages done, with what each found: {"m.login.password": "@alice:example.org"}.
    completed  TEXT   NOT NULL DEFAULT '{}'
);
CREATE INDEX ui_auth_sessions_created ON ui_auth_sessions (created_ts);

CREATE TABLE profile_fields (
    user_id  TEXT NOT NULL,
    key_name TEXT NOT NULL,
    -- JSON.
    value    TEXT NOT NULL,
    PRIMARY KEY (user_id, key_name)
);

CREATE TABLE filters (
    user_id     TEXT   NOT NULL,
    filter_id   BIGINT NOT NULL,
    -- JSON.
    definition  TEXT   NOT NULL,
    PRIMARY KEY (user_id, filter_id)
);
