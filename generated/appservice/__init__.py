"""api-specs/application-service"""
