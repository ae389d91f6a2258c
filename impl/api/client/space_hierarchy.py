"""api-specs/client-server/space_hierarchy.yaml"""
