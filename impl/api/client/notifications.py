"""api-specs/client-server/notifications.yaml"""
