# The interpreter with everything the project and its own checks import.
{ pkgs }:
{
  # What an experiment may import: nothing but what experiments/requirements.in names.
  science = pkgs.python3.withPackages (ps: [ ps.numpy ]);

  # The tests, against the sources of the working tree.
  test = pkgs.python3.withPackages (
    ps:
    ps.repro-toolchain.dependencies
    ++ [
      ps.hypothesis
      ps.jsonschema
      ps.pytest
      ps.pytest-cov
      ps.pytest-xdist
    ]
  );

  # All of it, for contributors, and the packages that `extras` names.
  develop =
    extras:
    pkgs.python3.withPackages (
      ps:
      extras ps
      ++ ps.repro-toolchain.dependencies
      ++ ps.repro-toolchain.optional-dependencies.gs
      ++ [
        ps.hatchling
        ps.hypothesis
        ps.jsonschema
        ps.mypy
        ps.pip
        ps.pytest
        ps.pytest-cov
        ps.pytest-xdist
        ps.types-jsonschema
      ]
    );
}
