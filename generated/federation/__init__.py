"""api-specs/server-server"""
