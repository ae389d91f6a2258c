-- Message retention (MSC1763): which rooms have a policy, and what is left to know of messages that were deleted.

CREATE INDEX current_state_retention ON current_state (room_nid) WHERE event_type = 'm.room.retention';

-- Unread counts are differences between rows of the timeline. Where such rows are deleted, the totals of the last of
-- them stand here, for all of a room's that went, by thread ('main': the room's main timeline).
CREATE TABLE purged_totals (
    room_nid  BIGINT NOT NULL,
    thread_id TEXT   NOT NULL,
    position  BIGINT NOT NULL,
    totals    BYTEA  NOT NULL,
    PRIMARY KEY (room_nid, thread_id)
);

-- When a message came here that was dated ahead, so that it expires like those that came with it; NULL for others.
ALTER TABLE events ADD COLUMN came_ts BIGINT;
CREATE INDEX events_came ON events (room_nid, came_ts, event_nid) WHERE came_ts IS NOT NULL;
