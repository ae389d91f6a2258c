"""api-specs/client-server/room_summary.yaml"""
