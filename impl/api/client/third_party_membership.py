"""api-specs/client-server/third_party_membership.yaml"""
