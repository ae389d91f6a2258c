-- What is known of the devices and keys of other servers' users.

SELECT 1;
