"""api-specs/client-server/room_initial_sync.yaml"""
