"""What other servers sent us: PDUs and EDUs, in transactions or in answers to what we asked."""
