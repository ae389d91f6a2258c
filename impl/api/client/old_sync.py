"""api-specs/client-server/old_sync.yaml"""
