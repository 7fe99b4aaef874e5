# What the packages that a value is made of state of themselves: a function for `nix eval --apply`. It walks the
# arguments of derivations as they were evaluated, builds nothing, and passes over what cannot be evaluated.
value:
let
  inherit (builtins)
    attrNames
    attrValues
    concatMap
    isAttrs
    isList
    isString
    tryEval
    unsafeDiscardStringContext
    ;
  or' =
    default: wanted:
    let
      tried = tryEval (builtins.deepSeq wanted wanted);
    in
    if tried.success then tried.value else default;
  shallow =
    default: wanted:
    let
      tried = tryEval wanted;
    in
    if tried.success then tried.value else default;
  isDerivation = found: isAttrs found && (found.type or null) == "derivation" && found ? drvPath;

  derivations =
    found:
    if isList found then
      concatMap (each: derivations (shallow null each)) found
    else if shallow false (isDerivation found) then
      entry found
    else
      [ ];
  entry =
    package:
    let
      key = or' null (unsafeDiscardStringContext package.drvPath);
    in
    if key == null then [ ] else [ { inherit key package; } ];

  outputs =
    package:
    concatMap (
      name:
      let
        path = or' null (unsafeDiscardStringContext package.${name}.outPath);
      in
      if path == null then [ ] else [ path ]
    ) (package.outputs or [ "out" ]);

  licence =
    found:
    if isList found then
      map licence found
    else if isAttrs found then
      {
        spdxId = or' null (found.spdxId or null);
        fullName = or' null (found.fullName or null);
        shortName = or' null (found.shortName or null);
        operator = or' null (found.operator or null);
        licenses = or' null (if found ? licenses then map licence found.licenses else null);
      }
    else if isString found then
      found
    else
      null;

  stated =
    { package, ... }:
    let
      meta = shallow { } (package.meta or { });
      identifiers = shallow { } (meta.identifiers or { });
    in
    {
      outputs = outputs package;
      license = or' null (licence (meta.license or null));
      cpe = or' null (identifiers.cpe or identifiers.v1.cpe or null);
      homepage = or' null (meta.homepage or null);
      description = or' null (meta.description or null);
    };
in
map stated (
  builtins.genericClosure {
    startSet = derivations value;
    operator =
      { package, ... }: derivations (shallow [ ] (map (name: package.drvAttrs.${name}) (attrNames (package.drvAttrs or { }))));
  }
)
