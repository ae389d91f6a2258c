"""The one way into a room's graph.

A use case makes `Draft`s and hands them to `batching.submit`. The worker's persister takes all that
wait, of any rooms, into one transaction (`persist.py`): it locks the rooms, makes each draft an
event on top of the last (`create.py`), checks it against the rules, and writes everything in the
round trip of the COMMIT. So a message costs three round trips, however many others travel with it.
"""
