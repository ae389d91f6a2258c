"""api-specs/server-server/keys_server.yaml"""
