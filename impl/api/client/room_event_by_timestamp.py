"""api-specs/client-server/room_event_by_timestamp.yaml"""
