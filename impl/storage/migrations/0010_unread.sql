-- Unread counts (DESIGN 6, core/push_classes.py): running totals stand in the timeline, and here is what belongs to single
-- users.

ALTER TABLE rooms
    -- How many are in the room, and the running totals of its main timeline (core/push_totals.py).
    ADD COLUMN joined_count  BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN unread_totals BYTEA  NOT NULL DEFAULT '',
    -- The last event that changed who of our users is in the room: what workers know of them is good until it changes.
    ADD COLUMN audience_nid  BIGINT NOT NULL DEFAULT 0;

ALTER TABLE timeline
    -- Of the main timeline up to this event, whatever the event's thread: the last row before a position has the totals
    -- there.
    ADD COLUMN unread_totals  BYTEA   NOT NULL DEFAULT '',
    -- What this event added to the totals of its thread.
    ADD COLUMN unread_outcome BYTEA   NOT NULL DEFAULT '',
    -- Whether somebody has a row in unread_singled.
    ADD COLUMN singles_out    BOOLEAN NOT NULL DEFAULT FALSE,
    -- The root of its thread, and that thread's running totals. NULL: the event is in the main timeline.
    ADD COLUMN thread_id      TEXT,
    ADD COLUMN thread_totals  BYTEA;
CREATE INDEX timeline_threads ON timeline (room_nid, thread_id, position) WHERE thread_id IS NOT NULL;

-- Where threads have got to.
CREATE TABLE unread_threads (
    room_nid  BIGINT NOT NULL,
    thread_id TEXT   NOT NULL,
    position  BIGINT NOT NULL,
    totals    BYTEA  NOT NULL,
    PRIMARY KEY (room_nid, thread_id)
);
CREATE INDEX unread_threads_position ON unread_threads (room_nid, position);

-- Classes of members by number; 0 is that of the default rules and has no row.
CREATE TABLE push_classes (
    class_nid  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    definition TEXT   NOT NULL UNIQUE
);

-- The events that were to one user not what they were to their class: by how much.
CREATE TABLE unread_singled (
    room_nid  BIGINT   NOT NULL,
    position  BIGINT   NOT NULL,
    user_id   TEXT     NOT NULL,
    -- 'main', or the root of the thread.
    thread_id TEXT     NOT NULL,
    notify    SMALLINT NOT NULL,
    highlight SMALLINT NOT NULL,
    PRIMARY KEY (room_nid, position, user_id)
);
CREATE INDEX unread_singled_user ON unread_singled (user_id, room_nid, thread_id, position);

-- Who says something has read what is above it: the last message of a user of ours in a thread.
CREATE TABLE unread_own (
    user_id   TEXT   NOT NULL,
    room_nid  BIGINT NOT NULL,
    thread_id TEXT   NOT NULL,
    position  BIGINT NOT NULL,
    PRIMARY KEY (room_nid, user_id, thread_id)
) WITH (fillfactor = 70);

ALTER TABLE receipts
    -- That of the event, if it is in the timeline: what is at or before it is read.
    ADD COLUMN event_position BIGINT;

-- What users had changed of their push rules, from a position of the stream on. Nobody's oldest row is less than all that
-- was before it.
CREATE TABLE push_rule_versions (
    user_id    TEXT   NOT NULL,
    position   BIGINT NOT NULL,
    changes    TEXT   NOT NULL,
    created_ts BIGINT NOT NULL,
    PRIMARY KEY (user_id, position)
);

-- The lists of m.ignored_user_list, the other way round.
CREATE TABLE ignored_users (
    ignored_user_id TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    PRIMARY KEY (ignored_user_id, user_id)
);
CREATE INDEX ignored_users_user ON ignored_users (user_id);
