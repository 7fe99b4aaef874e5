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

  pytest = ''
    ${tests.prepare}
    export PYTHONPATH=$PWD/src COVERAGE_FILE=$TMPDIR/coverage
    # DVC's git library loads certificates before it knows whether it needs any.
    export SSL_CERT_FILE=${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt
    python -m pytest ${lib.escapeShellArgs tests.options}'';

  experiments = fromProject {
    root = ../.;
    python = python.science;
  };
in
{
  package = pkgs.repro;

  tests = check "tests" {
    src = sources.everything;
    tools = [
      pkgs.gitMinimal
      pkgs.gnumake
      python.installed
    ];
    script = ''
      ${pytest} --numprocesses "$NIX_BUILD_CORES" --dist loadfile ${
        lib.escapeShellArgs (map (path: "--ignore=${path}") tests.online)
      } --cov=repro --cov-branch --cov-report=term --cov-report="xml:$out/coverage.xml"
    '';
  };

  # What the package really refers to. A sandbox has no store to ask: the builder's own attributes hold the closure.
  sbom =
    pkgs.runCommand "repro-sbom"
      {
        __structuredAttrs = true;
        exportReferencesGraph.closure = [ pkgs.repro ];
        nativeBuildInputs = [ pkgs.repro ];
      }
      ''
        mkdir "$out"
        repro sbom "$NIX_ATTRS_JSON_FILE" --out "$out/sbom.cdx.json"
        repro sbom validate "$out/sbom.cdx.json"
        repro sbom check "$out/sbom.cdx.json" "$NIX_ATTRS_JSON_FILE"
      '';

  lint = check "lint" {
    src = sources.formatted;
    tools = [ pkgs.ruff ];
    script = "ruff check --no-cache .";
  };

  types = check "types" {
    src = sources.formatted;
    tools = [ (python.develop (_: [ ])) ];
    script = ''mypy --cache-dir="$TMPDIR/mypy"'';
  };

  docs = check "docs" {
    src = sources.everything;
    tools = [
      pkgs.gitMinimal
      pkgs.lychee
      python.test
    ];
    script = ''
      ${pytest} tests/docs/test_docs_pages.py
      lychee --offline --no-progress --include-fragments README.md docs
    '';
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
