-- Everything that a client or a server can be told of takes its position from one sequence, in the last
-- statement of its transaction, under one advisory lock (storage/streams.py).

CREATE SEQUENCE stream_positions CACHE 1;

-- Which start of which database the positions were allotted by; another one moves the sequence on.
CREATE TABLE stream_epoch (
    only_row          BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    started_at        TEXT    NOT NULL,
    timeline_id       BIGINT  NOT NULL,
    system_identifier TEXT    NOT NULL
);

-- Events of a room in the order in which we took them in. Events fetched to fill history have positions below zero.
CREATE TABLE timeline (
    room_nid           BIGINT NOT NULL,
    position           BIGINT NOT NULL,
    event_nid          BIGINT NOT NULL,
    -- The event's depth: history is walked by (topological, position).
    topological        BIGINT NOT NULL,
    -- The room's current state once this event was taken in: what a sync at this position shows.
    current_state_root BIGINT NOT NULL,
    -- Another event that is not what it was, so that caches hear of it with the news: the one that this redacts,
    -- or itself, if it was an outlier before.
    changes_nid        BIGINT,
    PRIMARY KEY (room_nid, position)
);
CREATE UNIQUE INDEX timeline_position ON timeline (position);
CREATE INDEX timeline_history ON timeline (room_nid, topological, position);

-- Each change of a membership of a user of ours, so that a sync finds rooms joined, left and invited to.
CREATE TABLE membership_changes (
    user_id    TEXT   NOT NULL,
    position   BIGINT NOT NULL,
    room_nid   BIGINT NOT NULL,
    event_nid  BIGINT NOT NULL,
    membership TEXT   NOT NULL,
    PRIMARY KEY (user_id, position)
);
CREATE INDEX membership_changes_room ON membership_changes (room_nid, user_id, position);
CREATE INDEX membership_changes_position ON membership_changes (position);

CREATE TABLE receipts (
    room_nid     BIGINT NOT NULL,
    user_id      TEXT   NOT NULL,
    receipt_type TEXT   NOT NULL,
    -- '' is a receipt without a thread.
    thread_id    TEXT   NOT NULL DEFAULT '',
    event_id     TEXT   NOT NULL,
    received_ts  BIGINT NOT NULL,
    position     BIGINT NOT NULL,
    PRIMARY KEY (room_nid, user_id, receipt_type, thread_id)
);
CREATE UNIQUE INDEX receipts_position ON receipts (position);
CREATE INDEX receipts_room ON receipts (room_nid, position);

-- Who is typing. A row is kept when they stop, with until_ts = 0, so that the change has a position.
CREATE TABLE typing (
    room_nid BIGINT NOT NULL,
    user_id  TEXT   NOT NULL,
    until_ts BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (room_nid, user_id)
);
CREATE UNIQUE INDEX typing_position ON typing (position);
-- Who is overdue: somebody must end it when the worker that was to is gone.
CREATE INDEX typing_until ON typing (until_ts) WHERE until_ts > 0;

-- Account data of a user, or of a user in a room (room_id ''): tags and read markers too.
CREATE TABLE account_data (
    user_id  TEXT   NOT NULL,
    room_id  TEXT   NOT NULL DEFAULT '',
    type     TEXT   NOT NULL,
    -- JSON; '{}' after a deletion, so that the change has a position.
    content  TEXT   NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (user_id, room_id, type)
);
CREATE UNIQUE INDEX account_data_position ON account_data (position);
CREATE INDEX account_data_user ON account_data (user_id, position);
CREATE INDEX account_data_room ON account_data (room_id) WHERE room_id <> '';

-- Rooms that were deleted: so that workers hear of it, and that the newest position of the stream does not go with
-- the newest event. A room with this id may come again, with another number.
CREATE TABLE purged_rooms (
    position  BIGINT  NOT NULL PRIMARY KEY,
    room_nid  BIGINT  NOT NULL UNIQUE,
    room_id   TEXT    NOT NULL,
    purged_ts BIGINT  NOT NULL,
    -- Nothing is left of it in any table.
    is_swept  BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX purged_rooms_unswept ON purged_rooms (purged_ts) WHERE NOT is_swept;

-- Users of ours who knew such a room: their clients hear that they have left it.
CREATE TABLE purged_memberships (
    user_id  TEXT   NOT NULL,
    position BIGINT NOT NULL,
    room_id  TEXT   NOT NULL,
    PRIMARY KEY (user_id, position)
);
CREATE INDEX purged_memberships_position ON purged_memberships (position);
