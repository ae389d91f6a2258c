"""api-specs/server-server/openid.yaml"""
