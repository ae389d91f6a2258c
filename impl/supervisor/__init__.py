"""What `soma serve` keeps alive: PostgreSQL, gunicorn, background workers."""
