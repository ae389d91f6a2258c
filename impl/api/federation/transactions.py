"""api-specs/server-server/transactions.yaml"""
