"""api-specs/client-server/peeking_events.yaml"""
