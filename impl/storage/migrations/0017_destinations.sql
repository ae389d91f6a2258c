-- Other servers: which rooms they are in, and how far they have been told.

SELECT 1;
