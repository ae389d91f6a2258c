"""Certificates for servers on loopback, by an authority that only the servers under test trust."""

from pathlib import Path

import trustme


class Certificates:
    def __init__(self, authority: trustme.CA, directory: Path) -> None:
        self.authority = authority
        self._directory = directory
        # The servers run as other users.
        directory.chmod(0o755)
        self.authority_path = directory / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority_path))

    def issue(self, name: str) -> tuple[Path, Path]:
        """The paths of a certificate for a name, with its chain, and of its private key."""
        issued = self.authority.issue_cert(name)
        paths = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(str(paths[0]), append=number > 0)
        issued.private_key_pem.write_to_path(str(paths[1]))
        paths[1].chmod(0o644)
        return paths
