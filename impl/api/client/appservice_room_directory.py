"""api-specs/client-server/appservice_room_directory.yaml"""
