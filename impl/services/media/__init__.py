"""The content repository: files of our users, and of other servers for them. C-S API, "Content
repository"."""
