"""api-specs/server-server/keys_query.yaml"""
