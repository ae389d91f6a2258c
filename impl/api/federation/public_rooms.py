"""api-specs/server-server/public_rooms.yaml"""
