-- How events relate to others (core/relations.py): a row for each event that clients are shown and that was not redacted.

CREATE TABLE relations (
    room_nid         BIGINT NOT NULL,
    -- The parent may be an event that we do not have.
    parent_event_id  TEXT   NOT NULL,
    -- The child's place in history, as in the timeline.
    topological      BIGINT NOT NULL,
    position         BIGINT NOT NULL,
    event_nid        BIGINT NOT NULL,
    event_id         TEXT   NOT NULL,
    rel_type         TEXT   NOT NULL,
    event_type       TEXT   NOT NULL,
    sender           TEXT   NOT NULL,
    -- Of an annotation.
    annotation_key   TEXT,
    origin_server_ts BIGINT NOT NULL,
    PRIMARY KEY (room_nid, parent_event_id, topological, position)
);
-- What somebody said already of an event.
CREATE INDEX relations_sender ON relations (room_nid, sender, parent_event_id);
-- The threads of a room by their newest replies.
CREATE INDEX relations_threads ON relations (room_nid, topological, position) WHERE rel_type = 'm.thread';

ALTER TABLE timeline
    -- An event that has a child more or one less: the parent of this one, or of the one that this redacts. Caches
    -- hear of it with the news.
    ADD COLUMN parent_nid BIGINT;
