"""api-specs/client-server"""
