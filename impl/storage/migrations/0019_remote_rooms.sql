-- Rooms that are on other servers as far as we know them.

SELECT 1;
