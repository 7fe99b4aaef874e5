{
  lib,
  buildPythonPackage,
  hatchling,
  click,
  cryptography,
  cvss,
  cyclonedx-python-lib,
  dvc,
  in-toto,
  license-expression,
  numpy,
  packageurl-python,
  packaging,
  pydantic,
  requests,
  rich,
  ruamel-yaml,
  securesystemslib,
  semver,
  sigstore,
  threadpoolctl,
  typer,
  uv,
  zstandard,
  dvc-azure,
  dvc-gdrive,
  dvc-gs,
  dvc-hdfs,
  dvc-s3,
  dvc-ssh,
  h5py,
  pillow,
  pyarrow,
  scipy,
  spdx-tools,
  asn1crypto,
  gitMinimal,
  h5netcdf,
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
    click
    cryptography
    cvss
    cyclonedx-python-lib
    dvc
    in-toto
    license-expression
    numpy
    packageurl-python
    packaging
    pydantic
    requests
    rich
    ruamel-yaml
    securesystemslib
    semver
    sigstore
    threadpoolctl
    typer
    uv
    zstandard
  ];

  optional-dependencies = {
    azure = [ dvc-azure ];
    gdrive = [ dvc-gdrive ];
    gs = [ dvc-gs ];
    hdf5 = [ h5py ];
    hdfs = [ dvc-hdfs ];
    images = [ pillow ];
    netcdf = [ h5py ];
    parquet = [ pyarrow ];
    s3 = [ dvc-s3 ];
    spdx = [ spdx-tools ];
    ssh = [ dvc-ssh ];
    statistics = [ scipy ];
    validation = [ cyclonedx-python-lib ] ++ cyclonedx-python-lib.optional-dependencies.validation;
  };

  # Nothing in the program depends on uv's newest release, and nixpkgs follows its own pace.
  pythonRelaxDeps = [
    "rich"
    "uv"
  ];

  nativeCheckInputs = [
    asn1crypto
    dvc-gs
    gitMinimal
    h5netcdf
    h5py
    hypothesis
    jsonschema
    pillow
    pyarrow
    pytest-xdist
    pytestCheckHook
    scipy
    spdx-tools
  ]
  ++ cyclonedx-python-lib.optional-dependencies.validation;
  preCheck = tests.prepare;
  pytestFlags = tests.flags;
  enabledTestPaths = tests.rooms;
  disabledTestMarks = tests.marks;

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
