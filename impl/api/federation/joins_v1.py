"""api-specs/server-server/joins-v1.yaml"""
