"""api-specs/server-server/space_hierarchy.yaml"""
