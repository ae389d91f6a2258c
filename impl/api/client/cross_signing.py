"""api-specs/client-server/cross_signing.yaml"""
