-- The content repository. C-S API, "Content repository". The bytes lie in files (storage/media_files.py).

-- One row for each file, ours and those of other servers that are kept here for our users.
CREATE TABLE media (
    -- The server whose file it is.
    origin           TEXT    NOT NULL,
    media_id         TEXT    NOT NULL,
    -- Under which name the bytes lie here: for ours the media id, unless it was promised first.
    file_id          TEXT    NOT NULL,
    -- Who uploads it; NULL for those of others.
    user_id          TEXT,
    -- Since when it is here: uploaded, fetched, or, as long as it has no bytes, promised.
    created_ts       BIGINT  NOT NULL,
    -- When it was last asked for, to the hour or so.
    accessed_ts      BIGINT  NOT NULL,
    -- NULL: it was only promised (POST create), and may be uploaded until unused_expires_ts.
    size             BIGINT,
    sha256           BYTEA,
    content_type     TEXT,
    file_name        TEXT,
    unused_expires_ts BIGINT,
    -- Whether only who says who they are may have it.
    is_authenticated BOOLEAN NOT NULL,
    -- Who has put it under quarantine: nobody may have it then.
    quarantined_by   TEXT,
    PRIMARY KEY (origin, media_id)
);
CREATE INDEX media_of_user ON media (user_id, created_ts) WHERE user_id IS NOT NULL;
CREATE INDEX media_unused ON media (unused_expires_ts) WHERE size IS NULL;
CREATE INDEX media_promised ON media (user_id, unused_expires_ts) WHERE size IS NULL;
CREATE INDEX media_unasked_of_ours ON media (accessed_ts)
    WHERE user_id IS NOT NULL AND size IS NOT NULL AND quarantined_by IS NULL;
CREATE INDEX media_unasked_of_others ON media (accessed_ts)
    WHERE user_id IS NULL AND size IS NOT NULL AND quarantined_by IS NULL;

-- Smaller forms of images that were made here, or fetched.
CREATE TABLE media_thumbnails (
    origin       TEXT    NOT NULL,
    media_id     TEXT    NOT NULL,
    width        INTEGER NOT NULL,
    height       INTEGER NOT NULL,
    -- "crop" or "scale".
    method       TEXT    NOT NULL,
    content_type TEXT    NOT NULL,
    is_animated  BOOLEAN NOT NULL,
    size         BIGINT  NOT NULL,
    PRIMARY KEY (origin, media_id, width, height, method, content_type, is_animated),
    FOREIGN KEY (origin, media_id) REFERENCES media ON DELETE CASCADE
);

-- What the files that are images are, written when a smaller form is first asked for.
CREATE TABLE media_images (
    origin       TEXT    NOT NULL,
    media_id     TEXT    NOT NULL,
    -- As it is seen: turned, where the file says so.
    width        INTEGER NOT NULL,
    height       INTEGER NOT NULL,
    -- By its bytes, whatever its sender says.
    content_type TEXT    NOT NULL,
    is_animated  BOOLEAN NOT NULL,
    PRIMARY KEY (origin, media_id),
    FOREIGN KEY (origin, media_id) REFERENCES media ON DELETE CASCADE
);

-- Files that may lie there and have no row: before a file is put where it is to stay it is noted
-- here, and with its row the note goes; with a row that is deleted a note comes. What a killed
-- process leaves is found by it, and no file is ever deleted that nothing is known of.
CREATE TABLE media_loose_files (
    origin    TEXT    NOT NULL,
    file_id   TEXT    NOT NULL,
    since_ts  BIGINT  NOT NULL,
    -- Nobody may give it a row any more.
    is_doomed BOOLEAN NOT NULL,
    PRIMARY KEY (origin, file_id)
);

-- Which files are avatars of rooms.
CREATE INDEX current_state_avatar ON current_state (room_nid) WHERE event_type = 'm.room.avatar';
