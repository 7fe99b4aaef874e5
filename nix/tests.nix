# How the tests run inside a build: without a network, another Nix, or a user's home.
{
  prepare = ''
    export HOME="$TMPDIR/home" PATH="$out/bin:$PATH"
    mkdir -p "$HOME"
    git config --global user.name nobody
    git config --global user.email nobody@localhost
  '';

  flags = [
    "-m"
    "not nix and not slow"
    "-p"
    "no:cacheprovider"
  ];

  # They install from a package index.
  impossible = [ ];
}
