-- What is known of other servers' signing keys. Of servers that have been in a room nothing goes: old events can only be
-- checked with old keys.

-- The answers of servers about their own keys, as a notary shows them to others: with the signatures of the server and
-- no others. One that no key refers to any more is dropped.
CREATE TABLE server_key_documents (
    document_nid   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    server_name    TEXT   NOT NULL,
    document       TEXT   NOT NULL,
    valid_until_ts BIGINT NOT NULL,
    fetched_ts     BIGINT NOT NULL
);
CREATE INDEX server_key_documents_of_server ON server_key_documents (server_name, fetched_ts);

CREATE TABLE server_keys (
    server_name             TEXT    NOT NULL,
    key_id                  TEXT    NOT NULL,
    verify_key              BYTEA   NOT NULL,
    -- What it signed after that is not valid: when it ended, or as far as we may rely on what was said of it.
    valid_until_ts          BIGINT  NOT NULL,
    -- Its server signs events and requests with another by now.
    is_old                  BOOLEAN NOT NULL,
    -- The server itself has told us this key: no notary can tell us otherwise.
    is_first_hand           BOOLEAN NOT NULL,
    -- The newest document that names it, how far one may rely on it, and when it was fetched.
    document_nid            BIGINT  NOT NULL,
    document_valid_until_ts BIGINT  NOT NULL,
    fetched_ts              BIGINT  NOT NULL,
    PRIMARY KEY (server_name, key_id)
);
