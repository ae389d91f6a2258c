-- The content repository. C-S API, "Content repository". The bytes lie in files (storage/media_files.py).

-- One row for each file, ours and those of other servers that are kept here for our users.
CREATE TABLE media (
    -- The server whose file it is.
    origin           TEXT    NOT NULL,
    media_id         TEXT    NOT NULL,
    -- Under which name the bytes lie here: for ours, the media id.
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
CREATE INDEX media_accessed ON media (accessed_ts) WHERE size IS NOT NULL;

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
