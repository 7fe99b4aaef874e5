# Experiments as derivations. `pkgsFor` maps each system to a nixpkgs with the overlay.
{ lib, pkgsFor }:
let
  dvc = import ./dvc.nix { inherit lib pkgsFor; };
  experiment = import ./experiment.nix { inherit lib pkgsFor; };
  project = import ./project.nix {
    inherit
      lib
      pkgsFor
      dvc
      experiment
      ;
  };
in
{
  inherit (dvc) dvcFiles;
  inherit (experiment) mkExperiment;
  inherit (project) fromProject;
}
