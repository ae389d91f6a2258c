-- What other servers send us: the transactions that were answered, the messages to devices that were delivered, who is
-- online there, and the PDUs that wait for what they refer to.

CREATE TABLE received_transactions (
    origin      TEXT   NOT NULL,
    txn_id      TEXT   NOT NULL,
    -- What it was answered with, in JSON.
    answer      TEXT   NOT NULL,
    received_ts BIGINT NOT NULL,
    PRIMARY KEY (origin, txn_id)
);
CREATE INDEX received_transactions_received ON received_transactions (received_ts);

-- By m.direct_to_device, each to be delivered once.
CREATE TABLE received_device_messages (
    origin      TEXT   NOT NULL,
    message_id  TEXT   NOT NULL,
    received_ts BIGINT NOT NULL,
    PRIMARY KEY (origin, message_id)
);
CREATE INDEX received_device_messages_received ON received_device_messages (received_ts);

ALTER TABLE presence
    -- When another server last told of this user of its own. NULL: the user is ours.
    ADD COLUMN heard_ts BIGINT;
CREATE INDEX presence_heard ON presence (heard_ts) WHERE heard_ts IS NOT NULL AND state <> 'offline';

-- Their format, signatures and hashes were checked.
CREATE TABLE staged_pdus (
    room_nid    BIGINT NOT NULL,
    -- They are taken up in this order.
    staged_nid  BIGINT GENERATED ALWAYS AS IDENTITY,
    event_id    TEXT   NOT NULL,
    -- The server that sent it to us, and is asked for what is missing.
    origin      TEXT   NOT NULL,
    pdu         TEXT   NOT NULL,
    -- What it stands on: when one of these comes, it is tried again. Empty: it met an error.
    prev_event_ids TEXT[] NOT NULL,
    received_ts BIGINT NOT NULL,
    -- How often it was tried, and when it is tried next.
    attempts    INT    NOT NULL DEFAULT 0,
    due_ts      BIGINT NOT NULL,
    PRIMARY KEY (room_nid, event_id)
);
CREATE INDEX staged_pdus_due ON staged_pdus (due_ts, room_nid);
CREATE INDEX staged_pdus_origin ON staged_pdus (origin);
