"""Memberships of rooms that this server is not in, through servers that are. S-S API, "Joining
Rooms", "Knocking upon a room", "Leaving Rooms (Rejecting Invites)".
"""
