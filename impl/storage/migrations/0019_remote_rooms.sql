-- Rooms that are on other servers, as far as we know them.

-- Memberships of our users in rooms that this server is not in, each the newest, by an event that
-- came alone: an invite or a knock, and what became of it. The room's row may be there for their
-- sake only (its current_state_root is 0 then). `via` is the server that told us; `stripped_state`
-- what it shows of the room, a JSON list.
CREATE TABLE out_of_band_memberships (
    room_nid       BIGINT NOT NULL,
    user_id        TEXT   NOT NULL,
    event_nid      BIGINT NOT NULL,
    position       BIGINT NOT NULL,
    via            TEXT   NOT NULL,
    stripped_state TEXT   NOT NULL,
    PRIMARY KEY (room_nid, user_id)
);
CREATE UNIQUE INDEX out_of_band_memberships_position ON out_of_band_memberships (position);

-- So that who writes to a room need not look, but where there are any.
ALTER TABLE rooms ADD COLUMN has_out_of_band BOOLEAN NOT NULL DEFAULT FALSE;

-- Events that were fetched to fill history get positions below zero, the newest of a page first, in
-- the order of their commits (storage/history.py).
CREATE SEQUENCE history_positions INCREMENT BY -1 MAXVALUE -1 START WITH -1 CACHE 1;

-- How deep in the room those stand that refer to a missing event: where it is asked for.
ALTER TABLE backward_extremities ADD COLUMN depth BIGINT NOT NULL DEFAULT 0;
CREATE INDEX backward_extremities_depth ON backward_extremities (room_nid, depth);

-- Events that are others than they were, though nothing was said in the room: an outlier that has
-- its place now, what a redaction redacts that was fetched, what has a child more. So that caches
-- hear of it with the news. `wakes`: it concerns those who wait in the room as well.
CREATE TABLE changed_events (
    position    BIGINT  NOT NULL,
    room_nid    BIGINT  NOT NULL,
    changes_nid BIGINT,
    parent_nid  BIGINT,
    wakes       BOOLEAN NOT NULL,
    changed_ts  BIGINT  NOT NULL
);
CREATE UNIQUE INDEX changed_events_position ON changed_events (position);
CREATE INDEX changed_events_changed ON changed_events (changed_ts);
CREATE INDEX changed_events_room ON changed_events (room_nid);

-- Since when all members of a room are known: the position at which that was; 0: they always were.
-- NULL: they are not, since we came in by an answer without them (S-S API, PUT /send_join,
-- `omit_members`), and are being fetched.
ALTER TABLE rooms ADD COLUMN whole_position BIGINT DEFAULT 0;

-- The rooms whose members are being fetched: `event_id` is our join, which stands on the state that
-- is wanted; `via` the server that it went through.
CREATE TABLE partial_rooms (
    room_nid BIGINT  NOT NULL PRIMARY KEY,
    event_id TEXT    NOT NULL,
    via      TEXT    NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- When it is tried next.
    due_ts   BIGINT  NOT NULL
);
CREATE INDEX partial_rooms_due ON partial_rooms (due_ts);

-- The events that got their places in them since, in the order in which they did: their states lack
-- members. `above_nid`: that of history was taken from this event, which stands on it. `told_root`:
-- what another server told of it, which was resolved with what the event stands on.
CREATE TABLE partial_events (
    place     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_nid  BIGINT NOT NULL,
    event_nid BIGINT NOT NULL,
    above_nid BIGINT,
    told_root BIGINT
);
CREATE INDEX partial_events_room ON partial_events (room_nid, place);
