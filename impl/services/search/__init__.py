"""POST /search, and the index that it looks into. C-S API, "Server Side Search"."""
