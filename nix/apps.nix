{ pkgs }:
let
  inherit (pkgs) lib;
  python = import ./python.nix { inherit pkgs; };
  tests = import ./tests.nix;
  app = description: program: {
    type = "app";
    program = lib.getExe program;
    meta = { inherit description; };
  };
in
{
  default = app "Replay, compare, verify" pkgs.repro;

  test = app "Run the tests of the working tree" (
    pkgs.writeShellApplication {
      name = "repro-test";
      runtimeInputs = [
        pkgs.gitMinimal
        python.test
      ];
      text = ''PYTHONPATH=src exec python -m pytest ${lib.escapeShellArgs tests.options} "$@"'';
    }
  );

  lint = app "Check rules and formatting of the working tree" (
    pkgs.writeShellApplication {
      name = "repro-lint";
      runtimeInputs = [
        pkgs.nixfmt
        pkgs.ruff
      ];
      text = ''
        ruff check .
        ruff format --check .
        nixfmt --check flake.nix nix tests/nix
      '';
    }
  );
}
