"""api-specs/server-server/content_repository.yaml"""
