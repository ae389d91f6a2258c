"""api-specs/client-server/typing.yaml"""
