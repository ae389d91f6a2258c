-- Devices that take messages for users who are logged in nowhere (MSC3814): they have keys like others, and nobody is
-- logged in on them.

CREATE TABLE dehydrated_devices (
    user_id     TEXT NOT NULL PRIMARY KEY,
    device_id   TEXT NOT NULL,
    -- JSON: the device's private keys, encrypted by its user.
    device_data TEXT NOT NULL,
    FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE
);
