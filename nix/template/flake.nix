{
  description = "One experiment whose numbers are checked wherever it is built";

  # Where this template came from; `nix flake lock` then fixes its revision.
  inputs.repro.url = "github:OWNER/REPOSITORY";
  inputs.nixpkgs.follows = "repro/nixpkgs";

  outputs =
    { nixpkgs, repro, ... }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
      ];
      forAllSystems = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});

      # What the experiments may import.
      pythonOf = pkgs: pkgs.python3.withPackages (ps: [ ps.numpy ]);

      # Every experiment of repro.toml that has a baseline for the platform.
      experiments =
        pkgs:
        repro.lib.fromProject {
          root = ./.;
          python = pythonOf pkgs;
        };
    in
    {
      packages = forAllSystems experiments;
      checks = forAllSystems experiments;

      devShells = forAllSystems (pkgs: {
        default = pkgs.mkShell {
          packages = [
            pkgs.git
            repro.packages.${pkgs.stdenv.hostPlatform.system}.default
            (pythonOf pkgs)
          ];
          shellHook = "echo 'repro replay --all' >&2";
        };
      });
    };
}
