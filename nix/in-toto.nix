# nixpkgs has the attestation shapes, but not the library that makes and verifies links and layouts.
{
  lib,
  buildPythonPackage,
  fetchPypi,
  hatchling,
  attrs,
  iso8601,
  pathspec,
  python-dateutil,
  securesystemslib,
}:

buildPythonPackage (finalAttrs: {
  pname = "in-toto";
  version = "3.1.0";
  pyproject = true;

  src = fetchPypi {
    pname = "in_toto";
    inherit (finalAttrs) version;
    hash = "sha256-VrAjY+DrdL4zZfr5imD20sPGoGQZvn/LTdWeDRuG+wk=";
  };

  build-system = [ hatchling ];

  dependencies = [
    attrs
    iso8601
    pathspec
    python-dateutil
    securesystemslib
  ];

  pythonImportsCheck = [ "in_toto" ];

  meta = {
    description = "Software supply chain links and layouts";
    homepage = "https://in-toto.io";
    license = lib.licenses.asl20;
    mainProgram = "in-toto-run";
  };
})
