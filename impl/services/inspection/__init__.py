"""The debugger for rooms: what a room is, how its graph lies, and why its state is what it is.

Each module answers one question of somebody who administers a server, as a report: dataclasses of
plain values, which `soma room` shows as text or as JSON (commands/room.py). All of it is read from
one snapshot of the database, without a lock, and nothing is written; what the rules say is asked of
core/auth and impl/state_resolution anew, not looked up.
"""
