-- What users changed of their push rules (core/push_rules.py says in which form). The whole rules
-- stand in account_data, as m.push_rules, for /sync.

CREATE TABLE push_rules (
    user_id TEXT NOT NULL PRIMARY KEY,
    -- JSON.
    changes TEXT NOT NULL
);
