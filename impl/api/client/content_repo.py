"""api-specs/client-server/content-repo.yaml"""
