"""Telling other servers: transactions with what happened (sender.py), and who can be reached at all
(reachability.py)."""

from impl.services.sending.reachability import note_alive

__all__ = ["note_alive"]
