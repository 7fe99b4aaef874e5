# Tolerance rules as TOML, the language that `repro drift --rules` reads.
{ lib }:
let
  # A date is no string in TOML.
  value = key: rule: if key == "expires" then rule.${key} else builtins.toJSON rule.${key};
  entry = rule: key: "${key} = ${value key rule}\n";
in
{
  toText = lib.concatMapStrings (
    rule: "[[rules]]\n" + lib.concatMapStrings (entry rule) (builtins.attrNames rule)
  );
}
