-- Encrypted copies of message keys, kept for a user's other devices. C-S API, "Server-side key backups".

-- Who has a backup, or had one. Whoever writes any of a user's backups locks this row. It remembers how many there have
-- been: no number is given out twice, and a number up to it that stands in no backup is that of one which was deleted.
CREATE TABLE key_backup_owners (
    user_id      TEXT   NOT NULL PRIMARY KEY REFERENCES users,
    last_version BIGINT NOT NULL
);

CREATE TABLE key_backups (
    backup_nid BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES key_backup_owners,
    version    BIGINT NOT NULL,
    algorithm  TEXT   NOT NULL,
    -- JSON.
    auth_data  TEXT   NOT NULL,
    -- Moves whenever a key comes, is replaced or goes.
    etag       BIGINT NOT NULL DEFAULT 0,
    -- Of rows in key_backup_keys: clients ask for it with every batch of keys, and some have a hundred thousand.
    key_count  BIGINT NOT NULL DEFAULT 0,
    UNIQUE (user_id, version)
);

-- No foreign key: it would look at the backup again for each of some ten thousand rows that come at once, and whoever
-- deletes a backup holds the lock.
CREATE TABLE key_backup_keys (
    backup_nid          BIGINT  NOT NULL,
    room_id             TEXT    NOT NULL,
    session_id          TEXT    NOT NULL,
    first_message_index BIGINT  NOT NULL,
    forwarded_count     BIGINT  NOT NULL,
    is_verified         BOOLEAN NOT NULL,
    -- JSON.
    session_data        TEXT    NOT NULL,
    PRIMARY KEY (backup_nid, room_id, session_id)
);
