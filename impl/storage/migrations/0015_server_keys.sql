-- What is known of other servers' signing keys.

SELECT 1;
