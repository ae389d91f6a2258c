"""What can be wrong with a configuration: errors that stop the start, and warnings that do not."""


class ConfigError(Exception):
    """A wrong value. The message begins with the key, as the file's reader would write it."""

    def __init__(self, key: str, complaint: str) -> None:
        super().__init__(f"{key} {complaint}" if key else complaint)
        self.key = key
