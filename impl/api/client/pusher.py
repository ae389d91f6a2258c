"""api-specs/client-server/pusher.yaml"""
