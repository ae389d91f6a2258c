"""What the server does later; each job is a function of (app, payload)."""

# The modules whose `run(app)` is a loop of the background process; without any there is none.
LOOPS: tuple[str, ...] = ()
