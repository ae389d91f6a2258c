"""The devices and keys of other servers' users: those whom we follow, and whoever is asked for. S-S
API, "Device Management", "End-to-End Encryption".

Theory. We follow a user when somebody here has asked for their keys and shares a room with them:
their list is kept, and their server tells of each change (updates.py). So whoever asks is answered
from the database, and their server's being away keeps nobody from writing to them. Each change
names those before it; one that does not fit is a doubt, and what is in doubt is fetched anew
(fetching.py), by whichever process, until it is. Where nobody asked for keys nothing is fetched:
that they changed is passed on, and that is all. Whoever shares no room with us any more is
forgotten, since nobody would tell us of them (room_events/device_rows.py); others are asked each
time (asking.py).
"""
