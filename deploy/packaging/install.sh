#!/bin/sh
# Installs Labline from this folder, without a network; run again with a newer bundle it upgrades, with an older one it
# goes back. Data and configuration are not touched.
#   sh install.sh [--prefix /opt/labline] [--python PYTHON]
set -eu
umask 022
here=$(dirname "$(readlink -f "$0")")
prefix=/opt/labline python=''
fail() { echo "install.sh: $*" >&2; exit 1; }
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=${2:?"--prefix needs a folder"}; shift ;;
        --python) python=${2:?"--python needs a program"}; shift ;;
        *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
    shift
done

(cd "$here" && sha256sum --quiet --check SHA256SUMS) || fail "the bundle is damaged: copy it again; nothing was changed"
[ ! -e "$prefix/pyvenv.cfg" ] || fail "$prefix is a virtual environment of its own: name another --prefix, or move it away"
[ ! -e /var/lib/dpkg/info/labline.list ] || [ "$prefix" != /opt/labline ] \
    || fail "the Debian package of Labline is installed in $prefix: upgrade it by its package, or name another --prefix"
mkdir -p "$prefix/bin" || fail "$prefix cannot be made: run it as root, or name another --prefix"
for program in labline labline-rebuild; do
    install -m 0755 "$here/bin/$program" "$prefix/bin/$program.new"
    mv "$prefix/bin/$program.new" "$prefix/bin/$program"
done
"$prefix/bin/labline-rebuild" --reuse --wheels "$here/wheels" ${python:+--python "$python"}

# what stays on the machine: the wheels, for another Python some day, and what an administrator needs
for folder in wheels share; do
    rm -rf "$prefix/$folder.new"
    cp -R "$here/$folder" "$prefix/$folder.new"
    rm -rf "${prefix:?}/$folder"
    mv "$prefix/$folder.new" "$prefix/$folder"
done
echo "installed in $prefix; restart what runs already: systemctl try-restart 'labline@*'"
