"""What the server does later; each job is a function of (app, payload)."""
