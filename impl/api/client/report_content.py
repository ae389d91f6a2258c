"""api-specs/client-server/report_content.yaml"""
