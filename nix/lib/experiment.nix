{ lib, pkgsFor }:
let
  rules = import ./rules.nix { inherit lib; };

  # The sandbox drops the host's variables, so what moves the last bits of a number is set here: threads, the
  # BLAS kernel (one that every processor of the kind has), the cache size it chooses its blocks by, hash order.
  pinned = system: {
    BLIS_NUM_THREADS = "1";
    LC_ALL = "C";
    MKL_NUM_THREADS = "1";
    OMP_NUM_THREADS = "1";
    OPENBLAS_CORETYPE = if lib.hasPrefix "x86_64-" system then "Nehalem" else "ARMV8";
    OPENBLAS_L2_SIZE = "256";
    OPENBLAS_NUM_THREADS = "1";
    PYTHONDONTWRITEBYTECODE = "1";
    PYTHONHASHSEED = "0";
    PYTHONNOUSERSITE = "1";
    PYTHONUTF8 = "1";
    TZ = "UTC";
    VECLIB_MAXIMUM_THREADS = "1";
  };

  # Who accepted a baseline, and when, is no part of the numbers.
  numbers =
    name: baseline:
    if builtins.isPath baseline then
      builtins.path {
        path = baseline;
        name = "${name}-baseline";
        filter = path: _: baseNameOf path != "baseline.json";
      }
    else
      baseline;

  rulesFile =
    pkgs: name: given:
    if builtins.isList given then pkgs.writeText "${name}-rules.toml" (rules.toText given) else given;

  compare =
    {
      pkgs,
      name,
      baseline,
      granted,
    }:
    ''
      status=0
      ${lib.getExe pkgs.repro} drift ${numbers name baseline} "$out" ${
        lib.optionalString (granted != [ ]) "--rules ${rulesFile pkgs name granted}"
      } || status=$?
      case $status in
        0) ;;
        1) echo "${name}: not the numbers of its baseline; its attribute .results keeps what came out" >&2 ;;
        *) echo "${name}: could not be compared with its baseline" >&2 ;;
      esac
      if [ "$status" != 0 ]; then exit "$status"; fi
    '';
in
{
  /*
    An experiment as a derivation: its outputs are the store path, drift against `baseline` fails the build,
    `nix build --rebuild` tests whether it is deterministic.

    name      of the derivation
    src       folder in which `command` runs, as a writable copy
    command   list of arguments; {data}, {out} and {code} stand for the folders to read, to write and to run in
    python    an interpreter with its packages, or:
    env       a list of packages whose programs `command` may use
    data      attribute set from path below {data} to a file whose hash is fixed, see `dvcFiles`
    baseline  folder with the expected outputs; null where there is none yet
    rules     list of tolerance rules, as in repro.toml, or a TOML file with [[rules]]
    variables more environment variables, or other values for those set here

    `.results` is the same run without the comparison: what a drifting experiment computed, or the
    first baseline of a new one.
  */
  mkExperiment =
    {
      name,
      src,
      command,
      python ? null,
      env ? [ ],
      data ? { },
      baseline ? null,
      rules ? [ ],
      variables ? { },
    }:
    let
      tools = lib.throwIf (
        (python == null) == (env == [ ])
      ) "mkExperiment ${name}: give either python or env" (if python == null then env else [ python ]);
      inherit (builtins.head tools) system;
      pkgs = pkgsFor.${system} or (throw "mkExperiment ${name}: no packages for ${system}");
      folder = pkgs.linkFarm "${name}-data" data;
      fill =
        builtins.replaceStrings
          [ "{data}" "{out}" "{code}" ]
          [ "${folder}" (builtins.placeholder "out") "." ];
      run =
        comparison:
        pkgs.runCommand name (pinned system // variables) ''
          export HOME=$TMPDIR/home PATH=${lib.makeBinPath tools}:$PATH
          unset PYTHONPATH
          mkdir -p "$HOME" "$out"
          cp -r ${src} code
          chmod -R u+w code
          cd code
          ${lib.escapeShellArgs (map fill command)}
          ${comparison}
        '';
      results = run "";
    in
    if baseline == null then
      results // { inherit results; }
    else
      run (compare {
        inherit pkgs name baseline;
        granted = rules;
      })
      // {
        inherit results;
      };
}
