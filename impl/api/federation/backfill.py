"""api-specs/server-server/backfill.yaml"""
