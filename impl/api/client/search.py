"""api-specs/client-server/search.yaml"""
