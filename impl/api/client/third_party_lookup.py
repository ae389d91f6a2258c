"""api-specs/client-server/third_party_lookup.yaml"""
