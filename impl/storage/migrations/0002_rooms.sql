-- Rooms and their event graphs. Every table begins with room_nid, so that rooms can be distributed over
-- several databases one day without a redesign.

CREATE TABLE rooms (
    room_nid            BIGINT   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id             TEXT     NOT NULL UNIQUE,
    room_version        TEXT     NOT NULL,
    created_ts          BIGINT   NOT NULL,
    -- The head of the graph, changed with every event under this row's lock: the events that no other refers
    -- to yet, the greatest depth, and the root of the current state (state_nodes).
    forward_extremities BIGINT[] NOT NULL DEFAULT '{}',
    depth_max           BIGINT   NOT NULL DEFAULT 0,
    current_state_root  BIGINT   NOT NULL DEFAULT 0
) WITH (fillfactor = 70);  -- Its row is rewritten with each message: leave room for it on its page.

-- Workers take numbers in blocks of the increment (storage/numbers.py), so that what a batch writes can be numbered
-- without a round trip.
CREATE SEQUENCE event_nids INCREMENT BY 1024;

CREATE TABLE events (
    room_nid         BIGINT   NOT NULL,
    event_nid        BIGINT   NOT NULL,
    event_id         TEXT     NOT NULL,
    -- The PDU as it came or as we signed it.
    pdu              TEXT     NOT NULL,
    auth_event_nids  BIGINT[] NOT NULL,
    -- Roots of the state before and after the event. NULL: an outlier, whose place in the graph is not known.
    state_before     BIGINT,
    state_after      BIGINT,
    -- Why the event broke the rules; NULL: it did not.
    rejected_reason  TEXT,
    is_soft_failed   BOOLEAN  NOT NULL DEFAULT FALSE,
    -- The redaction that applies to it.
    redacted_by_nid  BIGINT,
    -- When that came, for as long as `pdu` is the original.
    redacted_ts      BIGINT,
    -- Who sent it from here, so that this device finds its transaction id in /sync.
    sender_device_id TEXT,
    txn_id           TEXT,
    origin_server_ts BIGINT   NOT NULL,
    PRIMARY KEY (room_nid, event_nid)
);
-- Serves look-ups by event_id alone as well.
CREATE UNIQUE INDEX events_event_id ON events (event_id, room_nid);
-- What was said at some time.
CREATE INDEX events_time ON events (room_nid, origin_server_ts, event_nid);
-- The originals that are still kept, the oldest first.
CREATE INDEX events_redacted ON events (redacted_ts) WHERE redacted_ts IS NOT NULL;
-- Pages compress badly when PDUs are small, and reading costs more than the room saved.
ALTER TABLE events ALTER COLUMN pdu SET STORAGE EXTERNAL;

-- prev_events. The earlier end may be an event that we do not have.
CREATE TABLE event_edges (
    room_nid      BIGINT NOT NULL,
    prev_event_id TEXT   NOT NULL,
    event_nid     BIGINT NOT NULL,
    PRIMARY KEY (room_nid, prev_event_id, event_nid)
);

-- Events that others refer to and that we do not have: where history can be asked for.
CREATE TABLE backward_extremities (
    room_nid BIGINT NOT NULL,
    event_id TEXT   NOT NULL,
    PRIMARY KEY (room_nid, event_id)
);

-- Rooms with more branches than are good: somebody of ours is to send an event on top of them.
CREATE TABLE branching_rooms (
    room_nid BIGINT NOT NULL PRIMARY KEY,
    -- When they are looked at next.
    due_ts   BIGINT NOT NULL
);
CREATE INDEX branching_rooms_due ON branching_rooms (due_ts);

-- Redactions whose event has not come yet, or which it will not allow.
CREATE TABLE pending_redactions (
    room_nid      BIGINT NOT NULL,
    redacts       TEXT   NOT NULL,
    redaction_nid BIGINT NOT NULL,
    PRIMARY KEY (room_nid, redacts, redaction_nid)
);

-- Auth chains of the events that many chains share (all state but memberships): a roaring bitmap of event_nid.
CREATE TABLE auth_chains (
    room_nid  BIGINT NOT NULL,
    event_nid BIGINT NOT NULL,
    chain     BYTEA  NOT NULL,
    PRIMARY KEY (room_nid, event_nid)
);

-- (type, state_key) as numbers, for all rooms together: most rooms have the same types and people.
CREATE TABLE state_keys (
    state_key_nid BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_type    TEXT   NOT NULL,
    state_key     TEXT   NOT NULL,
    UNIQUE (event_type, state_key)
);

-- Nodes of the state tries (core/state_trie.py). Never changed, so any cache of them stays true.
CREATE SEQUENCE state_node_nids INCREMENT BY 1024;
CREATE TABLE state_nodes (
    room_nid BIGINT NOT NULL,
    node_nid BIGINT NOT NULL,
    content  BYTEA  NOT NULL,
    PRIMARY KEY (room_nid, node_nid)
);
ALTER TABLE state_nodes ALTER COLUMN content SET STORAGE PLAIN;

-- The current state, for SQL: what rooms.current_state_root says, row by row.
CREATE TABLE current_state (
    room_nid   BIGINT NOT NULL,
    event_type TEXT   NOT NULL,
    state_key  TEXT   NOT NULL,
    event_nid  BIGINT NOT NULL,
    PRIMARY KEY (room_nid, event_type, state_key)
);

-- The current memberships among it, with what lists of members and rooms need.
CREATE TABLE room_members (
    room_nid     BIGINT  NOT NULL,
    user_id      TEXT    NOT NULL,
    membership   TEXT    NOT NULL,
    event_nid    BIGINT  NOT NULL,
    sender       TEXT    NOT NULL,
    display_name TEXT,
    avatar_url   TEXT,
    -- The user has forgotten the room (C-S API, "Leaving rooms"); a new membership makes it FALSE.
    is_forgotten BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (room_nid, user_id)
);
CREATE INDEX room_members_user ON room_members (user_id, membership);

-- What a client's transaction id was answered with. `scope` is the endpoint with its path's pieces.
CREATE TABLE client_transactions (
    user_id    TEXT   NOT NULL,
    device_id  TEXT   NOT NULL,
    scope      TEXT   NOT NULL,
    txn_id     TEXT   NOT NULL,
    event_id   TEXT   NOT NULL,
    created_ts BIGINT NOT NULL,
    PRIMARY KEY (user_id, device_id, scope, txn_id)
);
CREATE INDEX client_transactions_created ON client_transactions (created_ts);
