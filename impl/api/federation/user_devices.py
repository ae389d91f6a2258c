"""api-specs/server-server/user_devices.yaml"""
