"""api-specs/client-server/presence.yaml"""
