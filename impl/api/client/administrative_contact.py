"""api-specs/client-server/administrative_contact.yaml"""
