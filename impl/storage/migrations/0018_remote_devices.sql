-- What is known of the devices and keys of other servers' users. Their keys for cross-signing stand in cross_signing_keys,
-- beside ours.

-- Users whose devices we follow: somebody here has asked for them, and shares a room with them.
CREATE TABLE remote_device_lists (
    user_id     TEXT    NOT NULL PRIMARY KEY,
    server_name TEXT    NOT NULL,
    -- Another one each time that we begin to follow them: what a worker has kept from the last time is no good.
    list_nid    BIGINT  GENERATED ALWAYS AS IDENTITY,
    -- The newest changes in their server's sequence that are in it already, the last one last. None: it is not known where in
    -- the sequence it stands.
    seen_ids    TEXT[]  NOT NULL DEFAULT '{}',
    -- Whether there was ever an answer.
    is_fetched  BOOLEAN NOT NULL DEFAULT FALSE,
    -- How often we were told of a change, and of which last: what was asked for before may lack it.
    heard_count BIGINT  NOT NULL DEFAULT 0,
    heard_id    TEXT,
    -- When it is to be fetched. NULL: it is as their server has it.
    due_ts      BIGINT,
    attempts    INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX remote_device_lists_due ON remote_device_lists (due_ts) WHERE due_ts IS NOT NULL;
CREATE INDEX remote_device_lists_waiting ON remote_device_lists (server_name, due_ts) WHERE due_ts IS NOT NULL;

-- As their owners signed them, like device_keys.
CREATE TABLE remote_devices (
    user_id      TEXT NOT NULL REFERENCES remote_device_lists ON DELETE CASCADE,
    device_id    TEXT NOT NULL,
    key_json     TEXT NOT NULL,
    display_name TEXT,
    PRIMARY KEY (user_id, device_id)
);

-- Users of whose devices we were told while it was not known whether they are in a room of which we do not know all members
-- yet.
CREATE TABLE doubtful_device_changes (
    room_nid BIGINT NOT NULL,
    user_id  TEXT   NOT NULL,
    PRIMARY KEY (room_nid, user_id)
);
