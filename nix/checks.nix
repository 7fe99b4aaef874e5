{ pkgs, fromProject }:
let
  inherit (pkgs) lib;
  python = import ./python.nix { inherit pkgs; };
  sources = import ./sources.nix { inherit lib; };
  tests = import ./tests.nix;

  # Runs a script in a writable copy of `src`; what it leaves in $out is the result.
  check =
    name:
    {
      src,
      tools,
      script,
    }:
    pkgs.runCommand "repro-${name}" { nativeBuildInputs = tools; } ''
      cp -r ${src} source
      chmod -R u+w source
      cd source
      mkdir "$out"
      ${script}
    '';

  experiments = fromProject {
    root = ../.;
    python = python.science;
  };
in
{
  package = pkgs.repro;

  tests = check "tests" {
    src = sources.package;
    tools = [
      pkgs.gitMinimal
      python.test
    ];
    script = ''
      ${tests.prepare}
      export PYTHONPATH=$PWD/src COVERAGE_FILE=$TMPDIR/coverage
      python -m pytest ${lib.escapeShellArgs tests.flags} ${
        lib.escapeShellArgs (map (path: "--ignore=${path}") tests.impossible)
      } --numprocesses "$NIX_BUILD_CORES" --cov=repro --cov-branch --cov-report=term --cov-report="xml:$out/coverage.xml"
    '';
  };

  lint = check "lint" {
    src = sources.python;
    tools = [ pkgs.ruff ];
    script = "ruff check --no-cache .";
  };

  types = check "types" {
    src = sources.python;
    tools = [ (python.develop (_: [ ])) ];
    script = "mypy --cache-dir=$TMPDIR/mypy";
  };

  docs = check "docs" {
    src = sources.docs;
    tools = [ pkgs.lychee ];
    script = "lychee --offline --no-progress --include-fragments README.md docs";
  };

  formatting = check "formatting" {
    src = sources.formatted;
    tools = [
      pkgs.nixfmt
      pkgs.ruff
    ];
    script = ''
      ruff format --no-cache --check .
      nixfmt --check flake.nix nix tests/nix
    '';
  };
}
// lib.mapAttrs' (name: lib.nameValuePair "experiment-${name}") experiments
