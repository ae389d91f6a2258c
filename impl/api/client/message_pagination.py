"""api-specs/client-server/message_pagination.yaml"""
