# The interpreter, with wheels and folders that it imports from.
mkdir -p "$out/bin" "$out/site"
for wheel in $wheels; do
  unzip -q -o "$wheel" -d "$out/site"
done
path=$out/site
for folder in $site; do
  path=$folder:$path
done
cat > "$out/bin/python" <<WRAPPER
#!$BASH
export PYTHONPATH=$path PYTHONDONTWRITEBYTECODE=1
exec $interpreter/bin/python3 "\$@"
WRAPPER
chmod +x "$out/bin/python"
ln -s python "$out/bin/python3"
