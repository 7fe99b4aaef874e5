# Stands for a program of nixpkgs.
mkdir -p "$out/bin"
printf '#!%s\necho %s\n' "$BASH" "$name" > "$out/bin/$name"
chmod +x "$out/bin/$name"
