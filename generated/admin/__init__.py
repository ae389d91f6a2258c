"""api-specs/admin"""
