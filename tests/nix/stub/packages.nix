# One system's packages as a fixpoint of overlays. Beside toolchain.json, which the tests write, the names that
# experiments need are real; all others evaluate, and build to a program that says its name.
{ lib, system }:
let
  fake =
    name: package name { inherit name; } (builtins.readFile ./fake.sh) // { meta.mainProgram = name; };
  fakes = names: lib.genAttrs names fake;

  toolchain =
    if builtins.pathExists ./toolchain.json then
      builtins.fromJSON (builtins.readFile ./toolchain.json)
    else
      { system = "none"; };
  real = toolchain.system == system;

  # A file or folder that is in the store already; its hash is all that is said of it.
  fixed =
    mode: entry:
    derivation {
      inherit (entry) name;
      inherit system;
      builder = "/already/in/the/store";
      outputHash = entry.sha256;
      outputHashAlgo = "sha256";
      outputHashMode = mode;
    };
  tools = fixed "recursive" toolchain.tools;

  package =
    name: attrs: script:
    derivation (
      {
        inherit name system;
        outputs = [ "out" ];
        builder = if real then "${tools}/bin/bash" else "/no/builder";
        args = [
          "-euc"
          script
        ];
        PATH = if real then "${tools}/bin" else "/no/path";
      }
      // attrs
    );

  interpreter = package "python3" { debs = map (fixed "flat") toolchain.debs; } (
    builtins.readFile ./python.sh
  );
  environment =
    wheels: site:
    package "python3-env" { inherit interpreter wheels site; } (builtins.readFile ./python-env.sh);

  python =
    final:
    let
      apply = set: overlay: set // overlay pyFinal set;
      pyFinal = builtins.foldl' apply (base pyFinal) final.pythonPackagesExtensions;
      base =
        pyFinal:
        fakes (import ./names.nix).python
        // lib.optionalAttrs real (lib.mapAttrs (_: fixed "flat") toolchain.wheels)
        // {
          cyclonedx-python-lib = fake "cyclonedx-python-lib" // {
            optional-dependencies.validation = [ ];
          };
          callPackage = callPackage (final // pyFinal);
          toPythonApplication = library: library;
          fetchPypi =
            {
              pname,
              version,
              hash,
            }:
            fake "${pname}-${version}.tar.gz";
          buildPythonPackage =
            make:
            let
              args = if builtins.isFunction make then make args else make;
              site = [ "${args.src}/src" ];
            in
            package "${args.pname}-${args.version}" {
              inherit (args) src;
              inputs =
                args.build-system
                ++ args.dependencies
                ++ args.nativeCheckInputs or [ ]
                ++ lib.concatLists (builtins.attrValues args.optional-dependencies or { });
              python =
                if real then
                  environment (builtins.attrValues (lib.mapAttrs (_: fixed "flat") toolchain.wheels)) site
                else
                  "";
              program = args.meta.mainProgram;
              module = builtins.head args.pythonImportsCheck;
            } (builtins.readFile ./application.sh)
            // {
              inherit (args)
                pname
                version
                meta
                dependencies
                ;
              optional-dependencies = args.optional-dependencies or { };
            };
        };
    in
    pyFinal;

  callPackage =
    scope: file: overrides:
    let
      f = import file;
    in
    f (builtins.intersectAttrs (builtins.functionArgs f) scope // overrides);

  base =
    final:
    fakes (import ./names.nix).programs
    // {
      inherit lib system;
      stdenv = {
        hostPlatform = {
          inherit system;
          isLinux = lib.hasSuffix "-linux" system;
        };
        cc.cc = fake "gcc";
      };
      bashInteractive = if real then tools else fake "bash";
      coreutils = if real then tools else fake "coreutils";
      pythonPackagesExtensions = [ ];
      python3Packages = python final;
      python3 = (if real then interpreter else fake "python3") // {
        pkgs = final.python3Packages;
        withPackages =
          choose:
          let
            chosen = choose final.python3Packages;
          in
          if real && lib.any (wheel: lib.hasSuffix ".whl" wheel.name) chosen then
            environment (builtins.filter (wheel: lib.hasSuffix ".whl" wheel.name) chosen) [ ]
          else
            package "python3-env" { inherit chosen; } "";
      };
      runCommand =
        name: attrs:
        package name (
          {
            PATH = lib.makeBinPath ([ final.coreutils ] ++ attrs.nativeBuildInputs or [ ]);
          }
          // attrs
        );
      writeText = name: text: package name { inherit text; } ''printf %s "$text" > "$out"'';
      linkFarm =
        name: entries:
        package name { } (
          ''mkdir "$out"; ''
          + lib.concatMapStrings (path: ''
            mkdir -p "$(dirname "$out"/${lib.escapeShellArg path})"
            ln -s ${entries.${path}} "$out"/${lib.escapeShellArg path}
          '') (builtins.attrNames entries)
        );
      mkShell =
        {
          packages,
          shellHook,
          LD_LIBRARY_PATH ? "",
        }:
        package "nix-shell" {
          inherit packages shellHook LD_LIBRARY_PATH;
          PATH = lib.makeBinPath (packages ++ [ final.coreutils ]);
        } "";
      mkShellNoCC = final.mkShell;
      writeShellApplication =
        {
          name,
          runtimeInputs,
          text,
        }:
        package name { inherit runtimeInputs text; } "" // { meta.mainProgram = name; };
      dockerTools.streamLayeredImage =
        args:
        package "stream-${args.name}" {
          inherit (args)
            contents
            created
            extraCommands
            tag
            ;
          config = builtins.toJSON args.config;
        } "";
    };

  make =
    overlays:
    let
      final = builtins.foldl' (set: overlay: set // overlay final set) (base final) overlays // {
        extend = overlay: make (overlays ++ [ overlay ]);
      };
    in
    final;
in
make [ ]
