"""api-specs/client-server/sso_login_redirect.yaml"""
