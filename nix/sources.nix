# The parts of the repository, so that a derivation is built anew only when something it reads has changed.
{ lib }:
let
  inherit (lib) fileset;
  of =
    parts:
    fileset.toSource {
      root = ../.;
      fileset = fileset.unions parts;
    };

  # README.md is not among them, see package.nix.
  package = [
    ../LICENSE
    ../pyproject.toml
    ../src
  ];
  tests = [
    ../Makefile
    ../baselines
    ../benchmarks
    ../data
    ../docs/reference
    ../experiments
    ../repro.toml
    ../requirements-bootstrap.lock
    ../requirements-build.lock
    ../requirements-dev.lock
    ../requirements.lock
    ../tests
  ];
in
{
  package = of (package ++ tests);
  python = of [
    ../benchmarks
    ../experiments
    ../pyproject.toml
    ../src
    ../tests
  ];
  docs = of [
    ../README.md
    ../docs
  ];
  formatted = of [
    ../benchmarks
    ../experiments
    ../flake.nix
    ../nix
    ../pyproject.toml
    ../src
    ../tests
  ];
}
