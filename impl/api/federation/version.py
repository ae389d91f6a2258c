"""api-specs/server-server/version.yaml"""
