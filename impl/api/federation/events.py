"""api-specs/server-server/events.yaml"""
