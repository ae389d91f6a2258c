"""api-specs/server-server/user_keys.yaml"""
