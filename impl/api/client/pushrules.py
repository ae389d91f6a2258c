"""api-specs/client-server/pushrules.yaml"""
