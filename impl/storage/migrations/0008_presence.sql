-- Who is online. A row is written when what others are told of a user changes; that they are still there is kept in
-- the workers' page.

CREATE TABLE presence (
    user_id             TEXT    NOT NULL PRIMARY KEY,
    state               TEXT    NOT NULL,
    status_msg          TEXT,
    last_active_ts      BIGINT  NOT NULL,
    is_currently_active BOOLEAN NOT NULL,
    position            BIGINT  NOT NULL
);
CREATE UNIQUE INDEX presence_position ON presence (position);
-- Those who may have gone without saying so.
CREATE INDEX presence_present ON presence (user_id) WHERE state <> 'offline';
