"""api-specs/client-server/users.yaml"""
