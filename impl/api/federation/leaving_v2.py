"""api-specs/server-server/leaving-v2.yaml"""
