# For use over any nixpkgs: the library in every Python's package set, the program as `repro`.
final: prev: {
  pythonPackagesExtensions = prev.pythonPackagesExtensions ++ [
    (pyFinal: _: {
      in-toto = pyFinal.callPackage ./in-toto.nix { };
      repro-toolchain = pyFinal.callPackage ./package.nix { };
    })
  ];

  repro = final.python3Packages.toPythonApplication final.python3Packages.repro-toolchain;
}
