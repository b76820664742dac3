#!/bin/sh
# Another Python in a base image, for rows that need one the base does not have: python.sh BASE TAG PREFIX
#
# PREFIX is an installed Python (a `pyenv` version, a `python-build-standalone` folder); it comes to stand at
# /opt/python. `patch` comes with it: benchmarks apply with fuzz what git refuses.
set -eu

base=${1:?usage: python.sh BASE TAG PREFIX}
tag=${2:?usage: python.sh BASE TAG PREFIX}
prefix=${3:?usage: python.sh BASE TAG PREFIX}
engine=${ENGINE:-docker}

if "$engine" image inspect "$tag" >/dev/null 2>&1; then
  echo "$tag is here already"
  exit 0
fi
container=$("$engine" run --detach "$base" sleep 1800)
trap '"$engine" rm --force "$container" >/dev/null' EXIT
trap 'exit 130' INT TERM
# What was installed into that Python stays behind, and so do its own tests.
tar --directory "$prefix" --create --exclude='./lib/python3*/site-packages/*' --exclude='./lib/python3*/test' \
  --exclude='*.a' --exclude='__pycache__' ./bin ./include ./lib |
  "$engine" exec --interactive "$container" sh -euc 'mkdir -p /opt/python; tar --directory /opt/python --extract'
"$engine" exec "$container" sh -euc '
  chown -R 0:0 /opt/python
  find /opt/python/bin ! -type d ! -name "python*" -delete
  echo /opt/python/lib >/etc/ld.so.conf.d/python.conf
  ldconfig
  /opt/python/bin/python3 -c "import ssl, sqlite3, lzma, bz2, ctypes"
  /opt/python/bin/python3 -m ensurepip >/dev/null
  /opt/python/bin/python3 -m compileall -q /opt/python/lib || true
  command -v patch >/dev/null || { apt-get update -qq && apt-get install -y -qq patch >/dev/null; }
  rm -rf /var/lib/apt/lists/*'
"$engine" commit --change 'ENV PATH=/opt/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  "$container" "$tag" >/dev/null
echo "$tag"
