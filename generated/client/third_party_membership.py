"""api-specs/client-server/third_party_membership.yaml: its operations are answered by others'."""
