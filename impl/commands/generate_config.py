"""`soma generate-config`: a commented configuration file to start from."""

import argparse
import os
import re
import secrets
import sys
from pathlib import Path

from impl.core.identifiers import is_server_name

TEMPLATE = """\
# Soma's configuration. The keys are those of Synapse's homeserver.yaml, with the same meaning;
# Soma's own stand under `soma` at the end. A key that Soma does not know is named in a warning when
# it starts. Paths are relative to this file.

# The part after the colon in user IDs. It can never be changed.
server_name: {server_name}

# Where clients reach the server.
public_baseurl: https://{host}/

# One listener per port. With `tls: true` the certificate below is used; behind a reverse proxy
# leave it false, set x_forwarded, and let the proxy replace (not append to) X-Forwarded-For.
listeners:
  - port: 8008
    type: http
    tls: false
    x_forwarded: true
    bind_addresses: ["127.0.0.1", "::1"]
    resources:
      - names: [client, federation]

# tls_certificate_path: fullchain.pem
# tls_private_key_path: privkey.pem

# Without `database` Soma runs a PostgreSQL of its own in its data directory.
# database:
#   name: psycopg2
#   args:
#     host: localhost
#     user: soma
#     password: secret
#     dbname: soma

# The server's identity to other servers: keep a copy. It is made when it is missing.
signing_key_path: {signing_key}

# Whoever knows this may make users, and administrators: `soma register` uses it.
registration_shared_secret: {secret}

# Whether people may register by themselves: with a token that an administrator gave them, or
# anybody.
enable_registration: false
registration_requires_token: true
# enable_registration_without_verification: true

# How often is too often; each limit is {{per_second, burst_count}}.
# rc_message: {{per_second: 0.2, burst_count: 10}}
# rc_registration: {{per_second: 0.17, burst_count: 3}}
# rc_login:
#   address: {{per_second: 0.003, burst_count: 5}}
#   account: {{per_second: 0.003, burst_count: 5}}
#   failed_attempts: {{per_second: 0.17, burst_count: 3}}

# presence:
#   enabled: true
# default_room_version: "12"
# Pictures and files lie in media_store_path. What nobody asks for any more for so long is deleted
# (files of other servers can be fetched again); in each time_period a user may upload so much.
# media_store_path: media
# max_upload_size: 50M
# max_image_pixels: 32M
# media_retention: {{local_media_lifetime: 90d, remote_media_lifetime: 14d}}
# media_upload_limits: [{{time_period: 1h, max_size: 100M}}]
# prevent_media_downloads_from: [example.com]
# enable_authenticated_media: true
# How long what somebody redacted stays in the database, where nobody sees it. null: for ever.
# redaction_retention_period: 7d
# Messages that nobody is shown any more after a time, and that are deleted then: by a room's own
# policy (m.room.retention) or the default one, within these limits. State is kept for ever.
# retention:
#   enabled: true
#   default_policy: {{max_lifetime: 1y}}
#   allowed_lifetime_min: 1d
#   allowed_lifetime_max: 2y
#   purge_jobs:
#     - {{longest_max_lifetime: 3d, interval: 12h}}
#     - {{shortest_max_lifetime: 3d, interval: 1d}}
# app_service_config_files: [bridge.yaml]

# Servers that vouch for other servers' keys.
trusted_key_servers:
  - server_name: matrix.org

# How other servers find this one: they ask https://{host}/.well-known/matrix/server, which says
# port 443 where this is true; else port 8448. `soma federation check` says what they see.
serve_server_wellknown: false

# Other servers: all, or only these; none is reached at an address of ip_range_blacklist (private
# networks, if not given), unless ip_range_whitelist has it. The certificates that are trusted are
# those of the system's authorities, or of these files' alone.
# federation_domain_whitelist: [example.com, example.net]
# ip_range_whitelist: [10.1.0.0/16]
# federation_custom_ca_list: [authority.pem]
# Where there is no straight way out: the proxy is asked to CONNECT to addresses, which are found
# out and checked here. no_proxy_hosts are names, addresses and networks that need none. If not
# given, both are what the environment says (https_proxy, no_proxy).
# https_proxy: "http://proxy.example.org:3128"
# no_proxy_hosts: [lan.example.org, 10.1.0.0/16]
# allow_public_rooms_over_federation: false
# allow_profile_lookup_over_federation: true
# federation:
#   client_timeout: 60s
#   destination_min_retry_interval: 10m
#   destination_max_retry_interval: 1w
# rc_federation: {{window_size: 1000, sleep_limit: 10, sleep_delay: 500, reject_limit: 50}}
# limit_remote_rooms: {{enabled: true, complexity: 1.0}}
# Keys that events of this server were signed with once.
# old_signing_keys:
#   "ed25519:old": {{key: "base64", expired_ts: 1576767829750}}

soma:
  data_dir: soma-data
  # Processes that answer requests; as many as there are cores, if not given.
  # workers: 2
  # log_level: info        # debug, info, warning, error
  # log_format: text       # text or json
  # shutdown_timeout: 15s  # what requests under way get at a stop
  # Where `database` leads to a pooler that lends its connections for one transaction each: how
  # PostgreSQL itself is reached, for what needs a session.
  # past_pooler: {{host: localhost, port: 5432}}
  # Settings of the embedded PostgreSQL, under their own names.
  # postgres:
  #   shared_buffers: 512MB
  # federation:
  #   dns_servers: ["192.0.2.53:53"]  # asked instead of those that the system asks
  #   omit_members: false             # who joins a large room waits for all its members
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--server-name", required=True, help="the domain of the users' IDs")
    parser.add_argument("-o", "--output", type=Path, help="the file to write; else standard output")


def run(arguments: argparse.Namespace) -> int:
    name = arguments.server_name
    if not is_server_name(name) or name != name.lower():
        print(f"soma: --server-name: {name!r} is not a server name", file=sys.stderr)
        return 2
    text = render(name)
    if arguments.output is None:
        print(text, end="")
        return 0
    try:
        # It holds a secret, and another's file is not replaced.
        with open(arguments.output, "x", opener=_open_private) as file:
            file.write(text)
    except OSError as error:
        print(f"soma: {arguments.output}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"Written: {arguments.output}. Next: soma serve --config-path {arguments.output}")
    return 0


def render(server_name: str) -> str:
    """The file for a server of this name, with a fresh secret."""
    plain = re.sub(r"[^a-z0-9.-]", "_", server_name)
    return TEMPLATE.format(
        server_name=f'"{server_name}"',
        host=server_name,
        signing_key=f"{plain}.signing.key",
        secret=f'"{secrets.token_urlsafe(32)}"',
    )


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
