{
  description = "Replay experiments in their recorded conditions and compare them, number by number, with their baselines";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
      ];
      pkgsFor = lib.genAttrs systems (
        system: nixpkgs.legacyPackages.${system}.extend self.overlays.default
      );
      forAllSystems = f: lib.mapAttrs (_: f) pkgsFor;
    in
    {
      overlays.default = import ./nix/overlay.nix;
      lib = import ./nix/lib { inherit lib pkgsFor; };

      packages = forAllSystems (
        pkgs:
        {
          default = pkgs.repro;
          inherit (pkgs.python3Packages) in-toto;
        }
        // lib.optionalAttrs (lib.hasSuffix "-linux" pkgs.stdenv.hostPlatform.system) {
          docker = import ./nix/image.nix {
            inherit pkgs;
            inherit (self) lastModified;
            revision = self.rev or self.dirtyRev or null;
          };
        }
      );

      devShells = forAllSystems (pkgs: import ./nix/shells.nix { inherit pkgs; });

      checks = forAllSystems (
        pkgs:
        import ./nix/checks.nix {
          inherit pkgs;
          inherit (self.lib) fromProject;
        }
      );

      apps = forAllSystems (pkgs: import ./nix/apps.nix { inherit pkgs; });

      formatter = forAllSystems (pkgs: pkgs.nixfmt-tree);

      templates.default = {
        path = ./nix/template;
        description = "A research project: one experiment, its data, its baseline and a workflow that replays it";
      };
    };
}
