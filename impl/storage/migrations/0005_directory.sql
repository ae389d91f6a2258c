-- Names of rooms on this server, and the rooms that it shows to everybody.

CREATE TABLE room_aliases (
    room_nid   BIGINT NOT NULL,
    room_alias TEXT   NOT NULL PRIMARY KEY,
    -- Who made it, and may take it away again.
    creator    TEXT   NOT NULL,
    created_ts BIGINT NOT NULL
);
CREATE INDEX room_aliases_room ON room_aliases (room_nid, room_alias);

CREATE TABLE published_rooms (
    room_nid     BIGINT NOT NULL PRIMARY KEY,
    published_ts BIGINT NOT NULL
);
