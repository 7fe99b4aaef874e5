# nixpkgs' lib, as far as it is used; a name that is missing here fails the evaluation.
let
  inherit (builtins)
    concatMap
    filter
    isFunction
    isList
    isString
    length
    listToAttrs
    map
    match
    stringLength
    substring
    ;
  under = folder: path: path == folder || lib.hasPrefix "${folder}/" path;
  toFileset = part: if part ? holds then part else { holds = path: under (toString part) path; };

  lib = {
    inherit (builtins)
      any
      concatLists
      concatMap
      concatStringsSep
      head
      listToAttrs
      mapAttrs
      ;
    genAttrs = names: f: listToAttrs (map (name: lib.nameValuePair name (f name)) names);
    last = list: builtins.elemAt list (length list - 1);
    nameValuePair = name: value: { inherit name value; };
    filterAttrs =
      keep: set:
      builtins.removeAttrs set (filter (name: !keep name set.${name}) (builtins.attrNames set));
    mapAttrsToList = f: set: map (name: f name set.${name}) (builtins.attrNames set);
    mapAttrs' = f: set: listToAttrs (lib.mapAttrsToList f set);
    optionals = condition: list: if condition then list else [ ];
    optionalAttrs = condition: set: if condition then set else { };
    optionalString = condition: text: if condition then text else "";
    throwIf =
      condition: message: value:
      if condition then throw message else value;
    cartesianProduct =
      axes:
      builtins.foldl' (
        rows: axis: concatMap (row: map (value: row // { ${axis} = value; }) axes.${axis}) rows
      ) [ { } ] (builtins.attrNames axes);

    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    hasSuffix =
      suffix: text:
      let
        cut = stringLength text - stringLength suffix;
      in
      cut >= 0 && substring cut (stringLength suffix) text == suffix;
    hasInfix = infix: text: builtins.replaceStrings [ infix ] [ "" ] text != text;
    removePrefix =
      prefix: text: if lib.hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
    removeSuffix =
      suffix: text:
      if lib.hasSuffix suffix text then
        substring 0 (stringLength text - stringLength suffix) text
      else
        text;
    splitString =
      separator: text:
      filter isString (builtins.split (builtins.replaceStrings [ "." ] [ "\\." ] separator) text);
    concatMapStrings = f: list: lib.concatStringsSep "" (map f list);
    strings.sanitizeDerivationName =
      text:
      lib.concatMapStrings (part: if isList part then "-" else part) (
        builtins.split "[^[:alnum:]+._?=-]+" text
      );
    escapeShellArg = text: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] (toString text)}'";
    escapeShellArgs = lib.concatMapStringsSep " " lib.escapeShellArg;
    concatMapStringsSep =
      separator: f: list:
      lib.concatStringsSep separator (map f list);
    makeBinPath = lib.concatMapStringsSep ":" (package: "${package}/bin");
    makeLibraryPath = lib.concatMapStringsSep ":" (package: "${package}/lib");
    getExe =
      package: "${package}/bin/${package.meta.mainProgram or (throw "${package.name}: no mainProgram")}";
    licenses.asl20.spdxId = "Apache-2.0";
    platforms.unix = [ ];

    filesystem.listFilesRecursive =
      folder:
      concatMap (
        name:
        let
          path = folder + "/${name}";
        in
        if (builtins.readDir folder).${name} == "directory" then
          lib.filesystem.listFilesRecursive path
        else
          [ path ]
      ) (builtins.attrNames (builtins.readDir folder));

    # A set of files is a test of paths; a folder stays where something below it may be wanted.
    fileset = {
      unions =
        parts:
        let
          missing = filter (part: !(part ? holds) && !builtins.pathExists part) parts;
          sets = map toFileset parts;
        in
        lib.throwIf (missing != [ ]) "fileset: ${toString missing} does not exist" {
          holds = path: lib.any (set: set.holds path) sets;
          parts = map toString parts;
        };
      toSource =
        { root, fileset }:
        builtins.path {
          path = root;
          name = "source";
          filter =
            path: type: fileset.holds path || (type == "directory" && lib.any (under path) fileset.parts);
        };
    };
  };
in
lib
