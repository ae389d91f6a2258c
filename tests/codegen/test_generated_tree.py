"""The real tree: what is committed in api-specs/ and generated/."""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import connexion
import msgspec
import pytest
from connexion.resolver import Resolution, Resolver
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from codegen import __main__ as command
from codegen.compiler import compile_specs, corrected_specs, stale, write
from codegen.conformance import conformance_text
from codegen.importer import import_tree, version_of
from codegen.load import read_specs
from codegen.names import APIS
from codegen.operations import list_operations, read_operations, routed
from generated.operations import CALLED, OPERATIONS

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "generated"
UPSTREAM = Path(os.environ.get("MATRIX_SPEC", ROOT.parent / "shared" / "matrix-spec"))
needs_upstream = pytest.mark.skipif(not UPSTREAM.is_dir(), reason="MATRIX_SPEC is not there")
FROM_UPSTREAM = [api.name for api in APIS if api.upstream]


@pytest.fixture(scope="module")
def compiled() -> dict[str, str]:
    return compile_specs(corrected_specs(ROOT), (ROOT / "api-specs/VERSION").read_text().strip())


def test_v119_has_113_files_and_235_operations():
    assert (ROOT / "api-specs" / "VERSION").read_text() == "v1.19\n"
    specs = {
        n: d for n, d in read_specs(ROOT / "api-specs").items() if n.split("/")[0] in FROM_UPSTREAM
    }
    assert len(specs) == 113
    operations = list_operations(specs)
    assert len(operations) == 235
    counts = {api: sum(o.api.name == api for o in operations) for api in FROM_UPSTREAM}
    assert counts == {
        "client-server": 166,
        "server-server": 36,
        "application-service": 9,
        "push-gateway": 1,
        "identity-service": 23,
    }


@needs_upstream
def test_api_specs_is_what_the_import_writes():
    data = UPSTREAM / "v1.19" / "data"
    ours = read_specs(ROOT / "api-specs")
    assert import_tree(data) == {n: d for n, d in ours.items() if n.split("/")[0] in FROM_UPSTREAM}
    assert version_of(data) == "v1.19"


def test_generated_is_what_the_compiler_writes(compiled):
    assert stale(compiled, GENERATED) == []


def test_compiling_in_another_process_gives_the_same_bytes(compiled, tmp_path):
    for name in ("api-specs", "codegen"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(tmp_path)}
    arguments = [sys.executable, "-m", "codegen", "compile"]
    subprocess.run(arguments, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert stale(compiled, tmp_path / "generated") == []


def test_check_notices_what_is_changed_missing_or_too_much(compiled, tmp_path, capsys):
    shutil.copytree(ROOT / "api-specs", tmp_path / "api-specs")
    target = tmp_path / "generated"
    assert len(write(compiled, target)) == len(compiled)
    assert command.main(["--root", str(tmp_path), "check"]) == 0
    with (target / "operations.py").open("a") as file:
        file.write("# edited\n")
    (target / "client" / "sync.py").unlink()
    (target / "client" / "extra.py").write_text("")
    assert command.main(["--root", str(tmp_path), "check"]) == 1
    told = capsys.readouterr().out
    for name in ("operations.py", "client/sync.py", "client/extra.py"):
        assert f"generated/{name} is stale" in told
    assert command.main(["--root", str(tmp_path), "compile"]) == 0
    assert command.main(["--root", str(tmp_path), "check"]) == 0


@pytest.mark.parametrize("path", sorted(GENERATED.glob("openapi*/*.json")), ids=lambda p: p.stem)
def test_bundles_are_valid(path):
    assert list(OpenAPIV31SpecValidator(json.loads(path.read_text())).iter_errors()) == []


def test_the_lowered_bundle_is_valid():
    bundle = json.loads((GENERATED / "openapi.json").read_text())
    assert bundle["openapi"] == "3.0.3"
    assert list(OpenAPIV30SpecValidator(bundle).iter_errors()) == []


def test_connexion_loads_the_lowered_bundle_and_finds_every_function():
    found = set()

    class Recorder(Resolver):
        def resolve(self, operation):
            found.add(self.resolve_operation_id(operation))
            return Resolution(lambda **_: None, operation.operation_id)

    app = connexion.FlaskApp(__name__, specification_dir=str(GENERATED))
    app.add_api("openapi.json", resolver=Recorder(), options={"swagger_ui": False})
    assert found == {f"{o.impl_module}.{o.name}" for o in OPERATIONS}


def test_every_type_of_every_operation_can_be_decoded():
    for operation in OPERATIONS:
        for kind in (operation.query_type, operation.body_type):
            if kind is not None:
                msgspec.json.Decoder(kind)
    for operation in CALLED:
        if operation.response_type is not None:
            msgspec.json.Decoder(operation.response_type)


def test_every_operation_has_a_stub_and_a_place():
    assert len({(o.method, o.path) for o in OPERATIONS}) == len(OPERATIONS)
    for operation in OPERATIONS:
        assert callable(getattr(import_module(operation.module), operation.name))
    names = {operation.name for operation in OPERATIONS}
    assert {"add_3pid", "send_message", "get_registration_nonce"} <= names
    assert "invite_by_3pid" not in names


def test_a_state_event_is_reached_without_its_key():
    paths = {
        (o.method, o.path.removeprefix("/_matrix/client/v3/rooms/{roomId}")): o.fixed_arguments
        for o in OPERATIONS
        if o.name in ("get_room_state_with_key", "set_room_state_with_key")
    }
    for method in ("GET", "PUT"):
        assert paths[method, "/state/{eventType}/{stateKey}"] == ()
        assert paths[method, "/state/{eventType}"] == (("state_key", ""),)
        assert paths[method, "/state/{eventType}/"] == (("state_key", ""),)


def test_both_forms_of_invite_are_one_body():
    (invite,) = (o for o in OPERATIONS if o.name == "invite_user")
    decode = msgspec.json.Decoder(invite.body_type).decode
    assert decode('{"user_id": "@a:b"}').user_id == "@a:b"
    assert decode('{"medium": "email", "address": "a@b"}').address == "a@b"


def test_what_is_signed_or_given_back_survives_whole():
    by_name = {(o.api, o.name): o for o in OPERATIONS}
    assert by_name["client-server", "define_filter"].body_type is dict
    assert by_name["client-server", "set_room_tag"].body_type is dict
    assert by_name["server-server", "send_join_v2"].body_type is dict
    keys = msgspec.json.Decoder(by_name["client-server", "upload_keys"].body_type).decode(
        '{"device_keys": {"new": 1}, "fallback_keys": {"a:b": {"fallback": true}, "a:c": "d"}}'
    )
    assert keys.device_keys == {"new": 1}
    assert keys.fallback_keys == {"a:b": {"fallback": True}, "a:c": "d"}


def test_security_is_what_the_corrected_spec_says():
    by_id = {(o.api, o.operation_id): o for o in OPERATIONS}
    summary = by_id["client-server", "getRoomSummary"]
    assert (summary.security[0], summary.security_optional) == ("accessTokenQuery", True)
    assert by_id["server-server", "getEventByTimestamp"].security == ("signedRequest",)
    assert by_id["admin", "registerBySharedSecret"].security == ()


def test_every_served_file_has_its_module_in_impl():
    for operation in OPERATIONS:
        assert (ROOT / (operation.impl_module.replace(".", "/") + ".py")).is_file()


def test_importing_the_table_imports_no_types():
    code = (
        "import sys, generated.operations\n"
        "print(sum(name.startswith('generated.') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"


def run_mypy(path: Path) -> str:
    options = ["--config-file=", "--follow-imports=silent", "--ignore-missing-imports"]
    cache = f"--cache-dir={path.parent / 'cache'}"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, cache, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_mypy_holds_the_adapters_to_their_stubs(tmp_path):
    path = tmp_path / "held.py"
    path.write_text(conformance_text(routed(read_operations(corrected_specs(ROOT))), ROOT))
    told = [line for line in run_mypy(path).splitlines() if "held.py" in line]
    assert told == []


def test_mypy_notices_an_adapter_with_another_signature(tmp_path):
    path = tmp_path / "held.py"
    path.write_text(
        "from typing import Any\n"
        "import generated.client.banning as stubs\n"
        "def ban(app: Any, requester: Any, room_id: str, body: stubs.UnbanBody) -> dict:\n"
        "    return {}\n"
        "class Held:\n"
        "    ban = staticmethod(ban)\n"
        "    unban = staticmethod(stubs.unban)\n"
        "held: stubs.Operations = Held()\n"
    )
    assert "Incompatible types in assignment" in run_mypy(path)
