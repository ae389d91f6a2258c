"""api-specs/identity-service"""
