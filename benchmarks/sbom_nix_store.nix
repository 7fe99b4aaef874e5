# A closure of `count` packages, each with sources of a fixed hash, a patch, and up to five others it needs: the two
# below it in a heap, so that the first needs all in few steps, and three drawn from those behind it.
{ count }:
let
  remainder = a: b: a - (a / b) * b;
  patch = builtins.toFile "CVE-2024-12345.patch" ''
    Refuse lengths below zero
    --- a/read.c
    +++ b/read.c
    @@ -1 +1 @@
    -x
    +y
  '';
  needs =
    number:
    let
      behind = count - number - 1;
      drawn = builtins.map (step: number + 1 + remainder (number * 7919 + step * 104729) behind) [
        1
        2
        3
      ];
      below = builtins.filter (each: each < count) [
        (2 * number + 1)
        (2 * number + 2)
      ];
    in
    if behind <= 0 then [ ] else builtins.map (builtins.elemAt packages) (below ++ drawn);
  package =
    number:
    let
      version = "1.${toString number}";
      pname = "package${toString number}";
    in
    derivation {
      inherit pname version;
      name = "${pname}-${version}";
      system = "x86_64-linux";
      builder = "/bin/sh";
      args = [
        "-c"
        "echo $needs > $out"
      ];
      needs = needs number;
      patches = [ patch ];
      buildPhase = "make all";
      description = "A package of a size that is usual, with variables that nobody asks for, as all have them.";
      src = derivation {
        name = "${pname}-${version}.tar.gz";
        system = "builtin";
        builder = "builtin:fetchurl";
        url = "https://host.example/${pname}-${version}.tar.gz";
        outputHash = builtins.hashString "sha256" pname;
        outputHashAlgo = "sha256";
        outputHashMode = "flat";
      };
    };
  packages = builtins.genList package count;
in
builtins.head packages
