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

  formatted = [
    ../benchmarks
    ../experiments
    ../flake.nix
    ../nix
    ../pyproject.toml
    ../src
    ../tests
  ];
  everything = formatted ++ [
    ../.ci
    ../.dvc
    ../.dvcignore
    ../.gitattributes
    ../.github
    ../.gitignore
    ../.pre-commit-hooks.yaml
    ../CHANGELOG.md
    ../CONTRIBUTING.md
    ../LICENSE
    ../Makefile
    ../README.md
    ../action.yml
    ../baselines
    ../data
    ../docs
    ../flake.lock
    ../policy.toml
    ../repro.toml
    ../requirements-bootstrap.lock
    ../requirements-build.lock
    ../requirements-dev.lock
    ../requirements.lock
  ];
in
{
  everything = of everything;
  formatted = of formatted;

  # No README and no pages: their edits rebuild nothing, see package.nix.
  package = of [
    ../LICENSE
    ../pyproject.toml
    ../src
    ../tests
  ];
}
