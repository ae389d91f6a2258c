"""api-specs/server-server/third_party_invite.yaml"""
