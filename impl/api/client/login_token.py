"""api-specs/client-server/login_token.yaml"""
