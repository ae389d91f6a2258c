"""api-specs/server-server/query.yaml"""
