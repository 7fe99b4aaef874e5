{ pkgs }:
let
  inherit (pkgs) lib;
  inherit (pkgs.stdenv.hostPlatform) isLinux;
  python = import ./python.nix { inherit pkgs; };
  say = line: "echo ${lib.escapeShellArg line} >&2";

  contributors =
    extras:
    [
      pkgs.diffutils
      pkgs.git
      pkgs.gnumake
      pkgs.nix-diff
      pkgs.nix-tree
      pkgs.nixfmt
      pkgs.ruff
      pkgs.zizmor
      pkgs.statix
      pkgs.uv
      (python.develop extras)
    ]
    ++ lib.optionals isLinux [ pkgs.bubblewrap ];
in
{
  default = pkgs.mkShell {
    packages = contributors (_: [ ]);
    # Wheels from an index, which `make test` installs, look for these beside the interpreter's own libraries.
    LD_LIBRARY_PATH = lib.optionalString isLinux (
      lib.makeLibraryPath [
        pkgs.stdenv.cc.cc
        pkgs.zlib
      ]
    );
    shellHook = say "repro: make test, make lint, make types; nix flake check runs them all";
  };

  full = pkgs.mkShell {
    packages =
      contributors (ps: [
        ps.altair
        ps.matplotlib
        ps.scikit-learn
        ps.scipy
        ps.vl-convert-python
      ])
      ++ [
        pkgs.cosign
        pkgs.diffoscope
        pkgs.gfortran
        pkgs.hdf5
        pkgs.openblas
        pkgs.pkg-config
        pkgs.py-spy
      ];
    shellHook = say "repro: compilers, BLAS, HDF5, plots, diffoscope, cosign and py-spy are here too";
  };

  ci = pkgs.mkShellNoCC {
    packages = [
      pkgs.gitMinimal
      pkgs.gnumake
      pkgs.ruff
      python.test
    ];
    shellHook = say "repro: what the tests need, and nothing else";
  };
}
