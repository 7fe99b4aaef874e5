# The experiments of a repro.toml as derivations, so that nothing is said twice.
{
  lib,
  pkgsFor,
  dvc,
  experiment,
}:
let
  # How platforms are called in the names of baselines.
  classes = {
    x86_64-linux = "linux-x86_64";
    aarch64-linux = "linux-aarch64";
    aarch64-darwin = "macos-arm64";
  };

  # Nix reads no dates in TOML; as strings they are what rules.nix expects.
  parse =
    file:
    builtins.fromTOML (
      lib.concatMapStrings (part: if builtins.isList part then " \"${builtins.head part}\"" else part) (
        builtins.split " ([0-9]{4}-[0-9]{2}-[0-9]{2})" (builtins.readFile file)
      )
    );

  # A number is written as the configuration writes it: 0.5, not 0.500000.
  text = value: if builtins.isString value then value else builtins.toJSON value;

  values =
    axis:
    if builtins.isList axis then
      axis
    else
      let
        first = builtins.elemAt axis.range 0;
      in
      builtins.genList (number: first + number) (builtins.elemAt axis.range 1 - first);

  # Folders such as `sigma=0.5,seed=7`, by what they stand for: an attribute set has forgotten the order of the
  # axes, which is the file's, but the folders have kept it.
  folders =
    path:
    let
      axes = folder: map (lib.splitString "=") (lib.splitString "," folder);
      parsed =
        folder:
        builtins.listToAttrs (
          map (pair: lib.nameValuePair (builtins.head pair) (lib.last pair)) (axes folder)
        );
      found = builtins.attrNames (builtins.readDir path);
    in
    builtins.listToAttrs (
      map (folder: lib.nameValuePair (builtins.toJSON (parsed folder)) folder) (
        builtins.filter (lib.hasInfix "=") found
      )
    );

  # Runs of an experiment: the folder of each below its baselines, and what the placeholders stand for.
  expand =
    root: name: matrix:
    let
      known = folders (root + "/baselines/${name}");
      run = chosen: {
        inherit chosen;
        folder =
          known.${builtins.toJSON chosen}
          or (throw "${name}: no baseline for ${builtins.toJSON chosen}; record it with repro baseline");
      };
    in
    if matrix == { } then
      [
        {
          chosen = { };
          folder = ".";
        }
      ]
    else
      map run (lib.cartesianProduct (lib.mapAttrs (_: axis: map text (values axis)) matrix));

  fill =
    chosen:
    builtins.replaceStrings (map (name: "{${name}}") (builtins.attrNames chosen)) (
      builtins.attrValues chosen
    );

  # `experiments/bayesopt/**` is that folder, everything else one file.
  sources =
    root: patterns:
    lib.fileset.toSource {
      inherit root;
      fileset = lib.fileset.unions (map (pattern: root + "/${lib.removeSuffix "/**" pattern}") patterns);
    };

  # What lies under the inputs, by its path below data/: DVC's pointers, and files that git itself holds.
  inputFiles =
    root: inputs:
    let
      below = lib.removePrefix "${toString root}/data/";
      wanted =
        path:
        lib.any (input: path == input || lib.hasPrefix "${input}/" path) (
          map (lib.removePrefix "data/") inputs
        );
      files = lib.filesystem.listFilesRecursive (root + "/data");
      pick =
        chosen: name:
        builtins.listToAttrs (
          builtins.filter (entry: wanted entry.name) (
            map (file: lib.nameValuePair (name (below (toString file))) file) (
              builtins.filter (file: chosen (baseNameOf (toString file))) files
            )
          )
        );
      isPointer = lib.hasSuffix ".dvc";
    in
    {
      pointers = pick isPointer (lib.removeSuffix ".dvc");
      plain = pick (name: !isPointer name && name != ".gitignore") (path: path);
    };
in
{
  /*
    Every experiment of `root`/repro.toml that has a baseline for the platform, as an attribute set from name
    to derivation; an experiment with a matrix is all of its runs, and each is an attribute of `.runs`.

    root         the project's folder
    python, env  as in `mkExperiment`
    environment  the name under which the baselines were recorded
    remote       folder in DVC's layout
  */
  fromProject =
    {
      root,
      python ? null,
      env ? [ ],
      environment ? config.defaults.environment,
      remote ? root + "/data/remote",
      config ? parse (root + "/repro.toml"),
    }:
    let
      inherit (if python == null then builtins.head env else python) system;
      class = "${environment}-${classes.${system}}";

      experiments = lib.filterAttrs (
        name: _: builtins.pathExists (root + "/baselines/${name}")
      ) config.experiments;

      # What the runs of one experiment have in common is evaluated once.
      derivation =
        name: table:
        let
          inputs = inputFiles root (table.inputs or [ ]);
          common = {
            inherit python env;
            src = sources root table.sources;
            data =
              inputs.plain
              // dvc.dvcFiles {
                inherit (inputs) pointers;
                inherit system remote;
              };
            rules = config.rules or [ ] ++ table.rules or [ ];
            variables = config.defaults.variables or { } // table.variables or { };
          };
          run =
            { chosen, folder }:
            experiment.mkExperiment (
              common
              // {
                name = lib.strings.sanitizeDerivationName (if folder == "." then name else "${name}-${folder}");
                command = map (fill ({ seed = text (table.seed or ""); } // chosen)) table.command;
                baseline = root + "/baselines/${name}/${folder}/${class}";
              }
            );
          runs = builtins.listToAttrs (
            map (one: lib.nameValuePair one.folder (run one)) (expand root name (table.matrix or { }))
          );
        in
        runs."." or (pkgsFor.${system}.linkFarm name runs // { inherit runs; });

      recorded =
        name: table:
        lib.any ({ folder, ... }: builtins.pathExists (root + "/baselines/${name}/${folder}/${class}")) (
          expand root name (table.matrix or { })
        );
    in
    lib.mapAttrs derivation (lib.filterAttrs recorded experiments);
}
