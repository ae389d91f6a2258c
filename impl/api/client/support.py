"""api-specs/client-server/support.yaml"""
