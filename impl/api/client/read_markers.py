"""api-specs/client-server/read_markers.yaml"""
