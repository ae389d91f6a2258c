"""History that other servers have and we do not: what was before we came into a room, what we
missed while we were away. S-S API, "Backfilling and retrieving missing events".

It is fetched when somebody goes there (backfill.py), some at a time.
"""
