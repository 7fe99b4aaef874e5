# Debian's interpreter with its libraries in one folder, started by its own loader.
mkdir -p "$out/bin" "$out/lib" "$out/libexec" unpacked
for deb in $debs; do
  ar x "$deb" data.tar.xz
  tar -xJf data.tar.xz -C unpacked
  rm data.tar.xz
done
cp -r unpacked/usr/lib/python3.13 "$out/lib/python3.13"
cp -P unpacked/usr/lib/*-linux-gnu/*.so* "$out/lib/"
cp unpacked/usr/bin/python3.13 "$out/libexec/python3.13"
loader=$(echo "$out"/lib/ld-linux*.so.*)
cat > "$out/bin/python3" <<WRAPPER
#!$BASH
exec $loader --inhibit-cache --library-path $out/lib --argv0 $out/bin/python3 $out/libexec/python3.13 "\$@"
WRAPPER
chmod +x "$out/bin/python3"
ln -s python3 "$out/bin/python"
