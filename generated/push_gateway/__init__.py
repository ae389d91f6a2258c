"""api-specs/push-gateway"""
