"""Which files are faces: of users, in their profiles and in rooms, and of rooms. Tables:
profile_fields, room_members, current_state, events.
"""

from collections.abc import Sequence
from typing import Any


def list_used(txn: Any, mxc_uris: Sequence[str]) -> set[str]:
    """Those that are the avatar of somebody or something. Reads tables from end to end: for many at
    once, and now and then.
    """
    txn.execute(
        """
        SELECT trim(both '"' from value)
          FROM profile_fields
         WHERE key_name = 'avatar_url'
           AND value = ANY(%s)
         UNION
        SELECT avatar_url
          FROM room_members
         WHERE avatar_url = ANY(%s)
         UNION
        SELECT url
          FROM (SELECT substring(e.pdu from '"url":"(mxc://[^"]+)"') AS url
                  FROM current_state s
                  JOIN events e USING (room_nid, event_nid)
                 WHERE s.event_type = 'm.room.avatar') AS rooms
         WHERE url = ANY(%s)
        """,
        ([f'"{mxc_uri}"' for mxc_uri in mxc_uris], list(mxc_uris), list(mxc_uris)),
    )
    return {mxc_uri for (mxc_uri,) in txn.fetchall()}
