# The program of a Python package, run from its sources.
mkdir -p "$out/bin"
cat > "$out/bin/$program" <<WRAPPER
#!$BASH
exec $python/bin/python -m $module "\$@"
WRAPPER
chmod +x "$out/bin/$program"
