"""api-specs/server-server/room_policy.yaml"""
