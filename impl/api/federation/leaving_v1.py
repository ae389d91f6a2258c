"""api-specs/server-server/leaving-v1.yaml"""
