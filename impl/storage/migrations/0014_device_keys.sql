-- Keys of end-to-end encryption. All JSON is as its owner signed it, with the signatures that came later, in its canonical
-- form and without `unsigned`. What belongs to a device goes with it.

CREATE TABLE device_keys (
    user_id   TEXT NOT NULL,
    device_id TEXT NOT NULL,
    key_json  TEXT NOT NULL,
    PRIMARY KEY (user_id, device_id),
    FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE
);

CREATE TABLE one_time_keys (
    user_id    TEXT   NOT NULL,
    device_id  TEXT   NOT NULL,
    algorithm  TEXT   NOT NULL,
    key_id     TEXT   NOT NULL,
    key_json   TEXT   NOT NULL,
    -- They are handed out in this order.
    key_nid    BIGINT GENERATED ALWAYS AS IDENTITY,
    -- When it was handed out. It is kept for a while: an upload whose answer was lost may come again, and must not
    -- bring the key back.
    claimed_ts BIGINT,
    PRIMARY KEY (user_id, device_id, algorithm, key_id),
    FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE
);
CREATE INDEX one_time_keys_waiting ON one_time_keys (user_id, device_id, algorithm, key_nid) WHERE claimed_ts IS NULL;
CREATE INDEX one_time_keys_claimed ON one_time_keys (claimed_ts) WHERE claimed_ts IS NOT NULL;

CREATE TABLE fallback_keys (
    user_id   TEXT    NOT NULL,
    device_id TEXT    NOT NULL,
    algorithm TEXT    NOT NULL,
    key_id    TEXT    NOT NULL,
    key_json  TEXT    NOT NULL,
    -- Handed out since it came.
    is_used   BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (user_id, device_id, algorithm),
    FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE
);

-- With the signatures of their owner, which everybody may see.
CREATE TABLE cross_signing_keys (
    user_id    TEXT NOT NULL,
    -- master, self_signing or user_signing.
    usage      TEXT NOT NULL,
    -- In Base64.
    public_key TEXT NOT NULL,
    key_json   TEXT NOT NULL,
    PRIMARY KEY (user_id, usage)
);

-- What a user's user-signing key says of another's master key: only for the user themself. One that is by or of a key
-- that was replaced is without effect.
CREATE TABLE user_signatures (
    user_id          TEXT   NOT NULL,
    user_signing_key TEXT   NOT NULL,
    target_user_id   TEXT   NOT NULL,
    target_key       TEXT   NOT NULL,
    signature        TEXT   NOT NULL,
    position         BIGINT NOT NULL,
    PRIMARY KEY (user_id, target_user_id)
);
CREATE UNIQUE INDEX user_signatures_position ON user_signatures (position);

-- When the keys of a device last changed; device_id '' is for the user's cross-signing keys. Whoever shares a room with
-- the user is told.
CREATE TABLE device_list_changes (
    user_id   TEXT   NOT NULL,
    device_id TEXT   NOT NULL,
    position  BIGINT NOT NULL,
    -- When the device was deleted.
    gone_ts   BIGINT,
    PRIMARY KEY (user_id, device_id)
);
CREATE UNIQUE INDEX device_list_changes_position ON device_list_changes (position);
CREATE INDEX device_list_changes_gone ON device_list_changes (gone_ts) WHERE gone_ts IS NOT NULL;
