"""Go, Rust and npm: what is read of their files, and that hostile ones choose no place to fetch anything from."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.discovery.detect import detect
from sandbox.discovery.node import node_for
from sandbox.discovery.npm import read_package
from sandbox.discovery.overrides import Overrides
from sandbox.discovery.recipe import Recipe
from sandbox.discovery.remedy import remedies


def found(folder: Path, files: dict[str, str], asked: Overrides | None = None) -> Recipe:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return detect(folder, asked or Overrides())


def package(**more: object) -> str:
    return json.dumps({"name": "own", "scripts": {"test": "mocha"}, **more})


TOOLS = "[tool.black]\nline-length = 100\n"


@pytest.mark.parametrize(
    ("files", "language"),
    [
        ({"go.mod": "module x"}, "go"),
        ({"Cargo.toml": "[package]"}, "rust"),
        ({"package.json": "{}"}, "javascript"),
        ({"package.json": package(), "pyproject.toml": TOOLS, "tools/x.py": ""}, "javascript"),
        ({"package.json": package(), "setup.cfg": "[flake8]\n"}, "javascript"),
        ({"package.json": package(), "pyproject.toml": "[project]\nname = 'x'"}, "python"),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\""}}', "a.py": ""}, "python"),
        ({"package.json": "{}", "requirements.txt": "six"}, "python"),
        ({"Cargo.toml": "[package]", "pyproject.toml": "[build-system]\nrequires = ['maturin']"}, "python"),
        ({"go.mod": "module x", "package.json": package()}, "go"),
        ({"pyproject.toml": TOOLS}, "python"),
    ],
)
def test_which_language_decides(tmp_path: Path, files: dict[str, str], language: str) -> None:
    assert found(tmp_path, files).language == language


def test_a_language_that_is_asked_for(tmp_path: Path) -> None:
    files = {"pyproject.toml": "[tool.solve]\nlanguage = 'go'\n[project]\nname = 'x'", "go.mod": "module x"}
    assert found(tmp_path, files).language == "go"


def test_go(tmp_path: Path) -> None:
    text = "module example.org/own\ngo 1.18\n\nrequire (\n\texample.org/a/b v1.2.0\n)\nrequire c.org/c v0.1.0 // x\n"
    recipe = found(tmp_path, {"go.mod": text, "go.sum": "sums", "Makefile": "test:\n\tgo test ./...\n"})
    assert (recipe.name, recipe.test_command) == ("example.org/own", "go test -json ./...")
    required = [item.value for item in recipe.evidence if item.what == "requirement"]
    assert required == [
        "example.org/a/b",
        "c.org/c",
    ]
    assert recipe.manifests == {"go.mod": text, "go.sum": "sums"}
    assert [item.value for item in recipe.following] == ["make test"]
    vendored = found(tmp_path, {"vendor/modules.txt": ""})
    assert vendored.manifests == {}
    assert vendored.digest() != recipe.digest()


def test_rust(tmp_path: Path) -> None:
    top = """
[package]
name = "own"
[workspace]
members = ["inner", "../outside"]
[dependencies]
serde = { version = "1", features = ["derive", "bad feature"] }
far = { git = "https://evil.example/x" }
near = { path = "inner" }
evil = "1\\"\\n[patch.crates-io]"
[target.'cfg(unix)'.dev-dependencies]
libc = "0.2"
"""
    inner = '[package]\nname = "inner"\n[dependencies]\nserde = "0.9"\n'
    recipe = found(tmp_path, {"Cargo.toml": top, "inner/Cargo.toml": inner, "Cargo.lock": "pins"})
    assert recipe.test_command == "cargo test --offline --no-fail-fast --workspace"
    assert recipe.manifests["Cargo.lock"] == "pins"
    lines = recipe.manifests["Cargo.toml"].partition("[dependencies]\n")[2].splitlines()
    assert lines == [
        'crate0 = { package = "libc", version = "0.2", default-features = true, features = [] }',
        'crate1 = { package = "serde", version = "0.9", default-features = true, features = [] }',
        'crate2 = { package = "serde", version = "1", default-features = true, features = ["derive"] }',
    ]
    alone = tmp_path / "alone"
    assert found(alone, {"Cargo.toml": '[package]\nname = "a"'}).manifests == {}


@pytest.mark.parametrize(
    ("scripts", "commands"),
    [
        ({"test": "mocha --check-leaks"}, ["npm test -- --reporter json"]),
        ({"test": "NODE_ENV=test nyc --all npx jest -i"}, ["npm test -- --json"]),
        ({"test": "node --test"}, ["npm test"]),
        ({"test": "eslint . && vitest run", "build": "tsc"},
         ["npm test -- --reporter=json", "npm run build && npm test -- --reporter=json",
          "npx --no-install vitest run --reporter=json"]),
        ({"test": 'echo "Error: no test specified" && exit 1'}, ["node --test"]),
        ({}, ["node --test"]),
    ],
)  # fmt: skip
def test_commands_of_npm(tmp_path: Path, scripts: dict[str, str], commands: list[str]) -> None:
    recipe = found(tmp_path, {"package.json": json.dumps({"scripts": scripts})})
    assert [recipe.test_command, *(item.value for item in recipe.following)] == commands


def test_a_runner_among_the_dependencies_goes_before_nodes_own(tmp_path: Path) -> None:
    recipe = found(tmp_path, {"package.json": '{"devDependencies": {"jest": "29"}}', "test/a.js": ""})
    assert recipe.test_command == "npx --no-install jest --json"
    assert [item.value for item in recipe.following] == ["node --test"]


def test_a_runner_that_a_script_hides_is_called_by_its_name(tmp_path: Path) -> None:
    """Of a wrapper's report only files are known, whose names change with how many of their tests fail."""
    wrapped = {"scripts": {"test": "ts-scripts test"}, "devDependencies": {"vitest": "3"}}
    recipe = found(tmp_path, {"package.json": json.dumps(wrapped)})
    assert recipe.test_command == "npx --no-install vitest run --reporter=json"
    assert [item.value for item in recipe.following] == ["npm test"]
    own = found(
        tmp_path / "own", {"package.json": package(scripts={"test": "node t.js"}, devDependencies={"mocha": "9"})}
    )
    assert own.test_command == "npm test"


def test_a_command_that_is_asked_for_has_no_others(tmp_path: Path) -> None:
    for name, text in (("package.json", package()), ("go.mod", "module x"), ("Cargo.toml", ""), ("setup.py", "")):
        recipe = found(tmp_path / name, {name: text}, Overrides(test_command="just check", system=("hg",)))
        assert recipe.test_command == "just check"
        assert "hg" in recipe.system
        assert not [item for item in recipe.following if item.what == "test command"]


LOCK = {
    "lockfileVersion": 3,
    "packages": {
        "": {
            "name": "own",
            "workspaces": ["x"],
            "devDependencies": {"mocha": "^9", "evil": "git+ssh://evil.example/x"},
        },
        "node_modules/mocha": {"version": "9.2.0", "resolved": "https://registry.npmjs.org/mocha/-/mocha-9.2.0.tgz"},
        "node_modules/evil": {"version": "1.0.0", "resolved": "https://evil.example/x.tgz", "integrity": "sha512-x"},
        "node_modules/near": {"resolved": "packages/near", "link": True},
        "packages/near": {"version": "1.0.0"},
        "node_modules/../../x": {"version": "1.0.0"},
    },
}


def test_npm_is_asked_for_names_and_ranges_of_its_registry_only(tmp_path: Path) -> None:
    asked = {
        "mocha": "^9 || >=10", "wide": "npm:string-width@^4.2.0", "@scope/a": "*", "evil": "git+ssh://evil.example/x",
        "near": "file:../near", "short": "user/repository", "far": "https://evil.example/x.tgz", "--global": "1",
    }  # fmt: skip
    more = {"scripts": {"test": "mocha", "preinstall": "evil"}, "publishConfig": {"registry": "https://evil.example"}}
    files = {"package.json": package(devDependencies=asked, **more), "package-lock.json": json.dumps(LOCK)}
    recipe = found(tmp_path, {**files, ".npmrc": "registry=https://evil.example"})
    assert "evil.example" not in str(recipe.manifests)
    assert "preinstall" not in str(recipe.manifests)
    handed = json.loads(recipe.manifests["package.json"])
    assert handed["devDependencies"].keys() == {"mocha", "wide", "@scope/a"}
    refused = [item.value for item in recipe.evidence if item.what == "refused"]
    assert len(refused) == 5
    locked = json.loads(recipe.manifests["package-lock.json"])["packages"]
    assert locked.keys() == {"", "node_modules/mocha", "node_modules/evil"}
    assert locked["node_modules/mocha"]["resolved"].startswith("https://registry.npmjs.org/")


@pytest.mark.parametrize(
    ("ranges", "major"),
    [
        ([], 18), ([">=14"], 18), (["18.x || 20.x"], 18), (["^20.19.0 || >=22.12.0"], 20), ([">=22"], 22),
        ([">=20 <22"], 20), (["14 - 20"], 18), (["21 - 24"], 22), (["*", ">=18", "^22.1"], 22), ([">=20", "<20"], 20),
        ([">18"], 20), ([">=99"], 18), (["rubbish"], 18), ([">=16.0.0", ">=20.19"], 20), (["<21", ">18.2"], 18),
    ],
)  # fmt: skip
def test_the_oldest_node_that_a_package_and_what_it_installs_allow(ranges: list[str], major: int) -> None:
    assert node_for(ranges) == major


def test_a_newer_node_than_debians_comes_from_npm(tmp_path: Path) -> None:
    lock = {"packages": {"": {}, "node_modules/a": {"version": "1.0.0", "engines": {"node": ">=20"}}}}
    files = {"package.json": package(dependencies={"a": "1"}), "package-lock.json": json.dumps(lock)}
    recipe = found(tmp_path, files)
    assert recipe.manifests["node"] == "20"
    said = next(item for item in recipe.evidence if item.what == "requires node")
    assert (said.value, said.source, said.why) == (">=20", "package-lock.json", "Debian's is 18: npm has 20")
    older = found(tmp_path / "older", {"package.json": package(engines={"node": ">= 8"}, dependencies={"a": "1"})})
    assert "node" not in older.manifests


def test_a_package_that_the_registry_has_no_more_is_left_out(tmp_path: Path) -> None:
    packages = {"": {"devDependencies": {"@a/gone": "1", "mocha": "9"}}, "node_modules/@a/gone": {"version": "1.0.0"}}
    asked = {"@a/gone": "1", "mocha": "9"}
    lock = json.dumps({"lockfileVersion": 3, "packages": packages})
    recipe = found(tmp_path, {"package.json": package(devDependencies=asked), "package-lock.json": lock})
    said = "npm error 404  '@a/gone@https://registry.npmjs.org/@a/gone/-/gone-1.0.0.tgz' is not in this registry.\n"
    [remedy] = remedies(said, recipe)
    assert (remedy.kind, remedy.value) == ("without", "@a/gone")
    handed = {name: json.loads(text) for name, text in remedy.of(recipe).manifests.items()}
    assert handed["package.json"]["devDependencies"] == {"mocha": "9"}
    assert handed["package-lock.json"]["packages"] == {"": {"devDependencies": {"mocha": "9"}}}
    assert list(remedies(said.replace("@a/gone", "deep"), recipe)) == [], "what another package asks for stays"


def test_what_npm_does_not_read_is_said(tmp_path: Path) -> None:
    files = {
        "package.json": package(dependencies={"a": "catalog:", "b": "1"}),
        "pnpm-lock.yaml": "",
        "pnpm-workspace.yaml": "",
    }
    said = {item.what: item.value for item in found(tmp_path, files).evidence}
    assert said["not read"] == "pnpm-lock.yaml: npm chooses versions anew"
    assert said["refused"] == "a: catalog:"


def test_an_old_lock_file(tmp_path: Path) -> None:
    inner = {"deep": {"version": "2.0.0", "resolved": "https://registry.npmjs.org/deep/-/deep-2.0.0.tgz"}}
    entries = {
        "a": {"version": "1.0.0", "requires": {"deep": "^2"}, "dependencies": inner},
        "b": {"version": "git+https://evil.example/b.git#1"},
    }
    files = {
        "package.json": package(dependencies={"a": "1"}),
        "package-lock.json": json.dumps({"dependencies": entries}),
    }
    locked = json.loads(found(tmp_path, files).manifests["package-lock.json"])
    assert (locked["lockfileVersion"], locked["dependencies"]) == (1, {"a": entries["a"]})


def test_modules_that_stand_in_the_repository_are_not_fetched(tmp_path: Path) -> None:
    files = {"package.json": package(dependencies={"a": "1"}), "node_modules/a/index.js": ""}
    recipe = found(tmp_path, files)
    assert recipe.manifests == {}
    assert "node_modules folder" in next(item.value for item in recipe.evidence if item.what == "not read")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab:/@^1.git", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["", "packages", "dependencies", "node_modules/a", "version", "a"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(json_values, json_values)
def test_whatever_stands_in_them(tmp_path_factory: pytest.TempPathFactory, top: object, lock: object) -> None:
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text(json.dumps({"dependencies": {"a": "1"}, "devDependencies": top}))
    (folder / "package-lock.json").write_text(json.dumps(lock))
    for text in read_package(folder).manifests.values():
        assert "git:" not in text
