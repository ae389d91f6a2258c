"""python -m codegen."""

import json
from pathlib import Path

import pytest
import yaml

from codegen import compiler
from codegen.__main__ import main
from codegen.load import yaml_text
from tests.codegen.small_specs import answer, document, operation


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with one spec file and no overlays."""
    for name in ("client-server", "overlays"):
        (tmp_path / "api-specs" / name).mkdir(parents=True)
    (tmp_path / "impl" / "api" / "client").mkdir(parents=True)
    small = document({"/a": {"get": operation("getA")}})
    (tmp_path / "api-specs" / "client-server" / "small-one.yaml").write_text(yaml_text(small))
    (tmp_path / "api-specs" / "VERSION").write_text("v1.0\n")
    monkeypatch.setattr(compiler, "OVERLAYS", tmp_path / "api-specs" / "overlays")
    return tmp_path


def upstream(folder: Path, version: str, schema: dict) -> None:
    api = folder / version / "data" / "api" / "client-server"
    api.mkdir(parents=True)
    node = operation("getA", responses={"200": answer(schema)})
    (api / "small-one.yaml").write_text(yaml.safe_dump(document({"/a": {"get": node}})))


def test_compile_writes_the_tree_and_an_empty_adapter_module(root):
    assert main(["--root", str(root), "compile"]) == 0
    adapter = root / "impl" / "api" / "client" / "small_one.py"
    assert adapter.read_text() == '"""api-specs/client-server/small-one.yaml"""\n'
    assert (root / "generated" / "client" / "small_one.py").is_file()
    assert main(["--root", str(root), "check"]) == 0


def test_compile_leaves_an_adapter_module_as_it_is(root):
    adapter = root / "impl" / "api" / "client" / "small_one.py"
    adapter.write_text("def get_a(app): ...\n")
    main(["--root", str(root), "compile"])
    assert adapter.read_text() == "def get_a(app): ...\n"


def test_compile_deletes_what_no_spec_asks_for(root):
    main(["--root", str(root), "compile"])
    extra = root / "generated" / "client" / "gone.py"
    extra.write_text("")
    main(["--root", str(root), "compile"])
    assert not extra.exists()


def test_import_writes_api_specs(root, tmp_path, capsys):
    upstream(tmp_path, "v1.1", {"type": "object"})
    assert main(["--root", str(root), "import", str(tmp_path / "v1.1" / "data")]) == 0
    assert capsys.readouterr().out == "api-specs/: v1.1, 1 files, 1 operations\n"
    assert (root / "api-specs" / "VERSION").read_text() == "v1.1\n"


def test_diff_names_the_functions_that_are_touched(root, tmp_path, capsys):
    upstream(tmp_path, "v1.0", {"type": "object"})
    upstream(tmp_path, "v1.1", {"type": "object", "properties": {"b": {"type": "string"}}})
    arguments = ["--root", str(root), "diff", "v1.0", "v1.1", "--upstream", str(tmp_path)]
    assert main(arguments) == 0
    assert "not implemented: impl.api.client.small_one.get_a" in capsys.readouterr().out
    (root / "impl" / "api" / "client" / "small_one.py").write_text("def get_a(app): ...\n")
    assert main(arguments) == 0
    assert capsys.readouterr().out == (
        "~ client-server getA: GET /_matrix/a\n"
        "    touches impl.api.client.small_one.get_a\n"
        "    + response 200.b: optional, string\n"
        "0 operations added, 0 removed, 1 changed\n"
    )


def test_status_counts_or_names(root, capsys):
    assert main(["--root", str(root), "status"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["client-server", "0", "1", "0", "1"]
    assert main(["--root", str(root), "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["client-server"]["stubbed"] == ["getA"]


def test_what_is_wrong_is_told_in_one_line(root, tmp_path, capsys):
    assert main(["--root", str(root), "import", str(tmp_path / "none")]) == 1
    assert main(["--root", str(root), "import", str(tmp_path), "--version", "v1.0"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert [line.startswith("codegen: ") for line in told] == [True, True]
