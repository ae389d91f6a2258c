"""api-specs/client-server/threads_list.yaml"""
