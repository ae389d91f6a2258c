"""Which certificates are believed. S-S API, "TLS".

A context for those who must show a good certificate, and one for those of whom the configuration
says that they need not. Both are made once: the authorities of a system are some hundred.
"""

import ssl as system_ssl
import warnings
from collections.abc import Sequence
from pathlib import Path

from gevent import ssl

from impl.core.glob import compile_glob

# What "1" allows is up to OpenSSL, which by its own rules may refuse what is old.
_VERSIONS = {
    "1": system_ssl.TLSVersion.MINIMUM_SUPPORTED,
    "1.1": system_ssl.TLSVersion.TLSv1_1,
    "1.2": system_ssl.TLSVersion.TLSv1_2,
    "1.3": system_ssl.TLSVersion.TLSv1_3,
}


class Tls:
    """`authorities` are files; without any, the system's are trusted. `unverified` are globs of the
    names whose certificates are not looked at.
    """

    def __init__(
        self,
        authorities: Sequence[Path] = (),
        *,
        verifies: bool = True,
        unverified: Sequence[str] = (),
        minimum_version: str = "1",
        checks_names: bool = True,
    ) -> None:
        self._unverified = tuple(compile_glob(glob) for glob in unverified)
        self._verifies = verifies
        self._strict = _new_context(minimum_version)
        # Otherwise a good certificate for another name will do, to find out which.
        self._strict.check_hostname = checks_names
        if authorities:
            for path in authorities:
                self._strict.load_verify_locations(path)
        else:
            self._strict.load_default_certs()
        self._lenient = _new_context(minimum_version)
        self._lenient.check_hostname = False
        self._lenient.verify_mode = system_ssl.CERT_NONE

    def context_for(self, name: str) -> ssl.SSLContext:
        return self._strict if self.is_verified(name) else self._lenient

    def is_verified(self, name: str) -> bool:
        """Must who has this name show a certificate for it?"""
        return self._verifies and not any(glob.match(name) for glob in self._unverified)


def _new_context(minimum_version: str) -> ssl.SSLContext:
    context = ssl.SSLContext(system_ssl.PROTOCOL_TLS_CLIENT)
    # What a certificate is for stands in its subjectAltName, and nowhere else (RFC 6125).
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    with warnings.catch_warnings():
        # Whoever asks for an old version knows that it is old.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _VERSIONS[minimum_version]
    return context
