"""api-specs/client-server/policy_server.yaml"""
