-- PDUs that wait for what they refer to.

SELECT 1;
