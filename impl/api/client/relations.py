"""api-specs/client-server/relations.yaml"""
