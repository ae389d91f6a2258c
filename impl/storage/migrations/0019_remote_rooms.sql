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
