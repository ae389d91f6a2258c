"""api-specs/client-server/receipts.yaml"""
