"""api-specs/client-server/mutual_rooms.yaml"""
