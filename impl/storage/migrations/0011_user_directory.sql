-- Whom one user may find. Names are folded and cut into pairs of letters by core/name_search.py: an index of these finds
-- parts of words in every script, without an extension and whatever the database's locale.

-- Of our users: by localpart and display name.
ALTER TABLE users ADD COLUMN search_name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN search_grams TEXT[] NOT NULL DEFAULT '{}';
CREATE INDEX users_search ON users USING gin (search_grams);

-- Of other servers' users in a room; ours have none.
ALTER TABLE room_members ADD COLUMN search_name TEXT;
ALTER TABLE room_members ADD COLUMN search_grams TEXT[];
CREATE INDEX room_members_search ON room_members USING gin (search_grams)
    WHERE membership = 'join' AND search_grams IS NOT NULL;

-- What the current state says of who may enter and who may read.
ALTER TABLE rooms ADD COLUMN join_rule TEXT;
ALTER TABLE rooms ADD COLUMN history_visibility TEXT;
