# The interpreter with everything the project and its own checks import.
{ pkgs }:
let
  testing =
    ps:
    [
      ps.asn1crypto
      ps.dvc-gs
      ps.h5netcdf
      ps.h5py
      ps.hypothesis
      ps.jsonschema
      ps.pillow
      ps.pyarrow
      ps.pytest
      ps.pytest-cov
      ps.pytest-xdist
      ps.scipy
      ps.spdx-tools
    ]
    ++ ps.cyclonedx-python-lib.optional-dependencies.validation;
in
{
  # What an experiment may import: nothing but what experiments/requirements.in names.
  science = pkgs.python3.withPackages (ps: [ ps.numpy ]);

  # The tests, against the sources of the working tree.
  test = pkgs.python3.withPackages (ps: ps.repro-toolchain.dependencies ++ testing ps);

  # The same with the package's entry points, by which pytest and readers from elsewhere are found.
  installed = pkgs.python3.withPackages (ps: [ ps.repro-toolchain ] ++ testing ps);

  # All of it, for contributors, and the packages that `extras` names.
  develop =
    extras:
    pkgs.python3.withPackages (
      ps:
      ps.repro-toolchain.dependencies
      ++ testing ps
      ++ [
        ps.editables
        ps.hatchling
        ps.mypy
        ps.pip
        ps.types-jsonschema
        ps.types-requests
      ]
      ++ extras ps
    );
}
