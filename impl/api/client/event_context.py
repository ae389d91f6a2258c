"""api-specs/client-server/event_context.yaml"""
