"""The configuration: Synapse's homeserver.yaml, read and checked once.

`load` gives a `Config` and the warnings to show; a wrong value is a `ConfigError` that begins with
its key. One module per part of the file; `synapse_keys` is the table of what is known and not read.
"""

from impl.config.application_services import ApplicationService
from impl.config.database import Database
from impl.config.listeners import Listener
from impl.config.loader import load
from impl.config.problems import ConfigError
from impl.config.rate_limits import RateLimit, RateLimits
from impl.config.settings import Config, SomaSettings

__all__ = [
    "ApplicationService",
    "Config",
    "ConfigError",
    "Database",
    "Listener",
    "RateLimit",
    "RateLimits",
    "SomaSettings",
    "load",
]
