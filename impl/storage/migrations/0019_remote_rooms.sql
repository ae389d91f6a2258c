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
