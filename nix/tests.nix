# How the tests run inside a build: without a network, another Nix, or a user's home.
let
  options = [
    "-m"
    "not nix and not slow"
    "-p"
    "no:cacheprovider"
    "--hypothesis-profile=ci"
  ];
in
{
  # Some tests ask git which files there are, and a source has no repository.
  prepare = ''
    export HOME="$TMPDIR/home"
    mkdir -p "$HOME"
    git config --global user.name nobody
    git config --global user.email nobody@localhost
    git init --quiet .
    git add --all
  '';

  inherit options;

  # Rooms whose tests read nothing but their own files and the sources: quick enough for every build.
  rooms = [
    "tests/core"
    "tests/drift"
    "tests/render"
    "tests/tools"
  ];

  # Pages whose commands install from a package index.
  online = [ "tests/docs/test_docs_commands.py" ];
}
