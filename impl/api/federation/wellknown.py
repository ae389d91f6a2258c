"""api-specs/server-server/wellknown.yaml"""
