{
  lib,
  buildPythonPackage,
  hatchling,
  dvc,
  numpy,
  pydantic,
  rich,
  ruamel-yaml,
  threadpoolctl,
  typer,
  uv,
  dvc-gs,
  gitMinimal,
  hypothesis,
  jsonschema,
  pytest-xdist,
  pytestCheckHook,
}:
let
  sources = import ./sources.nix { inherit lib; };
  tests = import ./tests.nix;
  declared = builtins.match ".*\n__version__ = \"([^\"]+)\".*" (
    builtins.readFile ../src/repro/__init__.py
  );
in
buildPythonPackage (finalAttrs: {
  pname = "repro-toolchain";
  version = builtins.head declared;
  pyproject = true;

  src = sources.package;

  # The build needs a README to exist; an edit of the real one must not rebuild everything.
  postPatch = "touch README.md";

  build-system = [ hatchling ];

  dependencies = [
    dvc
    numpy
    pydantic
    rich
    ruamel-yaml
    threadpoolctl
    typer
    uv
  ];

  optional-dependencies.gs = [ dvc-gs ];

  # Nothing in the program depends on uv's newest release, and nixpkgs follows its own pace.
  pythonRelaxDeps = [
    "rich"
    "uv"
  ];

  nativeCheckInputs = [
    gitMinimal
    hypothesis
    jsonschema
    pytest-xdist
    pytestCheckHook
  ];
  preCheck = tests.prepare;
  pytestFlags = tests.flags;
  disabledTestPaths = tests.impossible;

  pythonImportsCheck = [
    "repro"
    "repro.cli.main"
    "repro.flows.replay"
  ];

  meta = {
    description = "Replay experiments in their recorded conditions and compare them with their baselines";
    license = lib.licenses.asl20;
    mainProgram = "repro";
    platforms = lib.platforms.unix;
  };
})
