"""api-specs/client-server/admin.yaml"""
