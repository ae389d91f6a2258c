"""api-specs/client-server/to_device.yaml"""
