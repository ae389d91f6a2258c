"""api-specs/server-server/event_auth.yaml"""
