"""api-specs/client-server/openid.yaml"""
