"""api-specs/client-server/appservice_ping.yaml"""
