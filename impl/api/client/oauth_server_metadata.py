"""api-specs/client-server/oauth_server_metadata.yaml"""
