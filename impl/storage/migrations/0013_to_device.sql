-- Send-to-device messages that their device has not shown to have. They go with the device, so that there is never
-- one that nobody can read.

CREATE TABLE to_device_messages (
    user_id     TEXT   NOT NULL,
    device_id   TEXT   NOT NULL,
    -- That of the request that brought it: a request has one message for a device.
    position    BIGINT NOT NULL,
    sender      TEXT   NOT NULL,
    type        TEXT   NOT NULL,
    -- JSON.
    content     TEXT   NOT NULL,
    received_ts BIGINT NOT NULL,
    PRIMARY KEY (user_id, device_id, position),
    FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE
);
CREATE INDEX to_device_messages_position ON to_device_messages (position);
CREATE INDEX to_device_messages_received ON to_device_messages (received_ts);
