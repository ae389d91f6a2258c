"""api-specs/unstable"""
