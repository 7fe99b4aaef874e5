# How the tests run inside a build: without a network, another Nix, or a user's home.
let
  # Another Nix, and whole replays, which are checks of their own.
  marks = [
    "nix"
    "slow"
  ];
  flags = [
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
    git commit --quiet --message sources
  '';

  inherit flags marks;
  options = flags ++ [
    "-m"
    "not (${builtins.concatStringsSep " or " marks})"
  ];

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
