"""Implemented, stubbed, refused."""

from pathlib import Path

import pytest

from codegen.conformance import conformance_text
from codegen.load import SpecError
from codegen.operations import read_operations, routed
from codegen.status import defined_functions, read_status, status_json, status_text
from tests.codegen.small_specs import document, operation

SPECS = {
    "client-server/a.yaml": document(
        {
            "/a": {"get": operation("getA"), "put": operation("putA")},
            "/b": {"get": operation("getB")},
        }
    ),
    "client-server/c.yaml": document(
        {"/a": {"get": operation("alsoGetA", **{"x-soma-merged-into": "getA"})}}
    ),
}
OPERATIONS = read_operations(SPECS)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    package = tmp_path / "impl" / "api" / "client"
    package.mkdir(parents=True)
    (package / "a.py").write_text(
        "from x import put_a\n\n\ndef get_a(app): ...\n\n\nclass C:\n    def get_b(self): ...\n"
    )
    return tmp_path


def status(root: Path, refused: str = "{}"):
    path = root / "refused.yaml"
    path.write_text(refused)
    return read_status(OPERATIONS, root, path)


def test_implemented_is_what_the_module_defines(root):
    found = status(root)["client-server"]
    assert found.implemented == ["getA", "alsoGetA"]
    assert found.stubbed == ["putA", "getB"]


def test_an_assignment_defines_a_function_too(root):
    path = root / "impl" / "api" / "client" / "a.py"
    path.write_text("def get_a(app): ...\n\n\nput_a = get_a\n")
    assert defined_functions(root, "impl.api.client.a") == {"get_a", "put_a"}
    assert defined_functions(root, "impl.api.client.none") == set()


def test_a_refusal_carries_its_reason(root):
    found = status(root, "client-server/putA: it would be unwise")
    assert found["client-server"].refused == {"putA": "it would be unwise"}
    assert "refused: client-server/putA: it would be unwise" in status_text(found)
    assert status_json(found)["client-server"] == {
        "implemented": ["getA", "alsoGetA"],
        "stubbed": ["getB"],
        "refused": {"putA": "it would be unwise"},
    }


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        ("client-server/getA: unwise", "is implemented"),
        ("client-server/getZ: unwise", "no operation"),
        ("client-server/putA: ''", "without a reason"),
    ],
)
def test_a_refusal_that_does_not_fit_is_an_error(root, refused, message):
    with pytest.raises(SpecError, match=message):
        status(root, refused)


def test_the_table_counts(root):
    lines = status_text(status(root)).splitlines()
    assert lines[0].split() == ["implemented", "stubbed", "refused", "all"]
    assert lines[1].split() == ["client-server", "2", "2", "0", "4"]
    assert lines[-1].split() == ["all", "2", "2", "0", "4"]


def test_what_is_not_written_is_held_by_its_stub(root):
    text = conformance_text(routed(OPERATIONS), root)
    assert "    get_a = staticmethod(impl_0.get_a)\n" in text
    assert "    put_a = staticmethod(stubs_0.put_a)\n" in text
    assert "held_0: stubs_0.Operations = Held0()" in text
