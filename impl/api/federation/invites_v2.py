"""api-specs/server-server/invites-v2.yaml"""
