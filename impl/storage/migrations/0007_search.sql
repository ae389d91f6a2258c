-- What is searched: the texts of messages, names and topics, cut into words by us (core/search_words.py), since
-- PostgreSQL's dictionaries know one language each. Written by whoever follows the stream (services/search/index.py).

CREATE TABLE search_texts (
    room_nid  BIGINT   NOT NULL,
    event_nid BIGINT   NOT NULL,
    -- 1: content.body, 2: content.name, 3: content.topic.
    key       SMALLINT NOT NULL,
    sender    TEXT     NOT NULL,
    has_url   BOOLEAN  NOT NULL,
    -- By which the newest are found: the event's own time, but never one that had not come when it was indexed.
    sent_ts   BIGINT   NOT NULL,
    -- The words, and '!' with the room's number, so that one look into the index finds the words in some rooms.
    words     TSVECTOR NOT NULL,
    PRIMARY KEY (room_nid, event_nid)
);
CREATE INDEX search_texts_words ON search_texts USING gin (words);

-- Up to where the timeline has been indexed: forward from 0, and backward below it, where history is that was fetched.
CREATE TABLE search_progress (
    only_row         BOOLEAN NOT NULL PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    position         BIGINT  NOT NULL DEFAULT 0,
    history_position BIGINT  NOT NULL DEFAULT 0
);
INSERT INTO search_progress DEFAULT VALUES;
