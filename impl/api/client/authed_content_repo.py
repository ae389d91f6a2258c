"""api-specs/client-server/authed-content-repo.yaml"""
