"""api-specs/server-server/invites-v1.yaml"""
