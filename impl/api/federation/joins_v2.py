"""api-specs/server-server/joins-v2.yaml"""
