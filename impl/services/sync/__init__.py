"""/sync: sync.py first, then joined_rooms.py and other_rooms.py."""
