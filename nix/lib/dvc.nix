# DVC's objects as fixed-output derivations: the MD5 that a pointer names is the hash of the derivation.
{ lib, pkgsFor }:
let
  # A pointer with one output, as `dvc add` writes it. Nix reads no YAML, so this is by line.
  field =
    pointer: key:
    let
      found = lib.concatMap (
        line:
        let
          match = builtins.match "[- ] ${key}: (.*)" line;
        in
        lib.optionals (match != null) match
      ) (lib.splitString "\n" (builtins.readFile pointer));
    in
    lib.throwIf (builtins.length found != 1) "${toString pointer}: not a pointer with one ${key}" (
      builtins.head found
    );

  stored =
    remote: md5:
    remote
    + "/files/md5/${builtins.substring 0 2 md5}/${lib.removePrefix (builtins.substring 0 2 md5) md5}";

  # The list of a folder is read while evaluating, so it is checked there.
  listing =
    remote: md5:
    let
      file = stored remote md5;
      found = builtins.hashFile "md5" file;
    in
    lib.throwIf ("${found}.dir" != md5) "${toString file}: its MD5 is ${found}" (
      builtins.fromJSON (builtins.readFile file)
    );
in
{
  /*
    The files that DVC pointers stand for, as an attribute set from path to derivation.

    system    where they are copied
    remote    folder in DVC's layout
    pointers  attribute set from the path of the tracked file or folder to its .dvc file
  */
  dvcFiles =
    {
      system,
      remote,
      pointers,
    }:
    let
      pkgs = pkgsFor.${system};
      object =
        path: md5:
        lib.nameValuePair path (
          pkgs.runCommand (lib.strings.sanitizeDerivationName (baseNameOf path)) {
            outputHashAlgo = "md5";
            outputHashMode = "flat";
            outputHash = md5;
            preferLocalBuild = true;
          } "cp ${stored remote md5} $out"
        );
      tracked =
        path: pointer:
        let
          md5 = field pointer "md5";
        in
        if lib.hasSuffix ".dir" md5 then
          map (file: object "${path}/${file.relpath}" file.md5) (listing remote md5)
        else
          [ (object path md5) ];
    in
    builtins.listToAttrs (lib.concatLists (lib.mapAttrsToList tracked pointers));
}
