# `docker` is a script that writes the image: hash what it prints, not the script.
{
  pkgs,
  lastModified,
  revision,
}:
let
  inherit (pkgs) lib repro;
in
pkgs.dockerTools.streamLayeredImage {
  name = "repro";
  tag = repro.version;
  created = "@${toString lastModified}";

  # No shell: a command given to the container is an argument of `repro`.
  contents = [
    pkgs.cacert
    pkgs.gitMinimal
    repro
  ];
  extraCommands = ''
    mkdir -m 1777 tmp
    mkdir work
  '';

  config = {
    Entrypoint = [ (lib.getExe repro) ];
    User = "65532:65532";
    WorkingDir = "/work";
    Env = [
      "HOME=/tmp"
      "PATH=/bin"
      "SSL_CERT_FILE=${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt"
    ];
    Labels = {
      "org.opencontainers.image.title" = "repro";
      "org.opencontainers.image.description" = repro.meta.description;
      "org.opencontainers.image.version" = repro.version;
      "org.opencontainers.image.licenses" = repro.meta.license.spdxId;
    }
    // lib.optionalAttrs (revision != null) {
      "org.opencontainers.image.revision" = revision;
    };
  };
}
