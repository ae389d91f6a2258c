"""api-specs/server-server/knocks.yaml"""
