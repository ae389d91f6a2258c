-- Other servers: which rooms they are in, what they are to be told, and how far they have been told it. DESIGN 6, "Federation".

-- The other servers in each room, kept with room_members. Rooms of our users alone have no rows here.
CREATE TABLE room_servers (
    room_nid     BIGINT  NOT NULL,
    server_name  TEXT    NOT NULL,
    -- How many of its users are in the room.
    joined_count BIGINT  NOT NULL,
    -- A resident server says that it is in the room, whose members we do not know yet.
    is_told      BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (room_nid, server_name)
);
CREATE INDEX room_servers_server ON room_servers (server_name, room_nid);

ALTER TABLE rooms
    -- Whether the room has rows in room_servers: who writes to it knows without asking.
    ADD COLUMN has_other_servers BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE timeline
    -- Other servers are to be told of it by us.
    ADD COLUMN is_outgoing    BOOLEAN NOT NULL DEFAULT FALSE,
    -- And this one, though it may not be in the room any more: its user was kicked or banned, or an invite was taken back.
    ADD COLUMN parting_server TEXT,
    -- Somebody joined, of whatever server: there may be servers in the room that do not know who of our users is there.
    ADD COLUMN is_arrival     BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX timeline_outgoing ON timeline (position) WHERE is_outgoing;
CREATE INDEX timeline_outgoing_room ON timeline (room_nid, position) WHERE is_outgoing;
CREATE INDEX timeline_arrivals ON timeline (position) WHERE is_arrival;
CREATE INDEX timeline_parting ON timeline (parting_server, position) WHERE parting_server IS NOT NULL;

-- Whoever sends is one of so many: the destinations are divided among them by name. Up to `position` all that is for them was
-- sent, but to those that have a row in destinations.
CREATE TABLE federation_shards (
    shard_count INT    NOT NULL,
    shard_nid   INT    NOT NULL,
    position    BIGINT NOT NULL,
    PRIMARY KEY (shard_count, shard_nid)
);

-- Servers that lag behind their shard or cannot be reached.
CREATE TABLE destinations (
    server_name       TEXT   NOT NULL PRIMARY KEY,
    -- Of the name: who is to serve it.
    name_hash         BIGINT NOT NULL,
    -- Up to here it has all that is for it. NULL: it has as much as its shard says.
    served_position   BIGINT,
    -- What it is being told of is up to here, room by room in the order of their numbers, and it has that of the rooms up to
    -- this one.
    catch_up_position BIGINT,
    catch_up_room_nid BIGINT,
    -- NULL: it answers.
    failing_since_ts  BIGINT,
    failure           TEXT,
    retry_ts          BIGINT NOT NULL DEFAULT 0,
    retry_interval_ms BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX destinations_retry ON destinations (retry_ts);

-- Send-to-device messages for other servers' users, as m.direct_to_device EDUs, until they have them.
CREATE TABLE outgoing_to_device (
    destination TEXT   NOT NULL,
    position    BIGINT NOT NULL,
    edu         TEXT   NOT NULL,
    queued_ts   BIGINT NOT NULL,
    PRIMARY KEY (destination, position)
);
CREATE UNIQUE INDEX outgoing_to_device_position ON outgoing_to_device (position);
CREATE INDEX outgoing_to_device_queued ON outgoing_to_device (queued_ts);

ALTER TABLE device_list_changes
    -- That of the change of one of the user's devices before this one, as other servers are told of it: those who do not know
    -- it have missed something.
    ADD COLUMN prev_position BIGINT;
