"""Listening sockets."""

import socket
from pathlib import Path

import pytest

from impl.config import ConfigError, Listener
from impl.supervisor import listening


def test_all_addresses_of_both_families_can_be_bound() -> None:
    bound = listening.bind_all((Listener(0, ("::", "0.0.0.0")),))
    try:
        families = {one.socket.family for one in bound}
        assert socket.AF_INET in families
    finally:
        listening.close_all(bound)


def test_a_taken_port_is_refused_by_the_listeners_name() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=r"listeners\[1\]\.port .*another program"):
            listening.bind_all((Listener(0, ("127.0.0.1",)), Listener(port, ("127.0.0.1",))))


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not have the address"):
        listening.bind_all((Listener(0, ("192.0.2.1",)),))


def test_a_unix_socket_replaces_one_left_behind_and_goes_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "soma.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    bound = listening.bind_all((Listener(0, (), path=path, mode=0o600),))
    assert path.stat().st_mode & 0o777 == 0o600
    listening.close_all(bound)
    assert not path.exists()
