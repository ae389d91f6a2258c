"""api-specs/client-server/peeking_events.yaml: its operations are answered by others'."""
