"""api-specs/client-server/keys.yaml"""
