"""What other servers are answered about rooms: asker.py first, then a module for each kind of
question. S-S API.
"""
