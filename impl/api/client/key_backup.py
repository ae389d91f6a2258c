"""api-specs/client-server/key_backup.yaml"""
