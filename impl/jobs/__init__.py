"""What the server does later, in its background process."""

# The modules whose `run(app)` is a loop of the background process; without any there is none.
LOOPS: tuple[str, ...] = (
    "impl.jobs.index_search",
    "impl.jobs.partial_rooms",
    "impl.jobs.periodic",
    "impl.jobs.send_federation",
    "impl.jobs.staged_pdus",
    "impl.jobs.update_device_lists",
)
