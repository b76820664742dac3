#!/bin/sh
# A Debian with Python as a container image, for sites that reach no image registry: base.sh TAG
#
# Needs root, debootstrap and a container engine. DEBIAN_MIRROR names another mirror. Where SSL_CERT_FILE names the
# host's bundle of certificate authorities, the image trusts those too.
set -eu

tag=${1:?usage: base.sh TAG}
engine=${ENGINE:-docker}
suite=bookworm
mirror=${DEBIAN_MIRROR:-} # debootstrap knows Debian's own
# git and a C compiler are in it because nothing can be added later: the sandbox that builds a repository has no
# network, and a package with an extension module, or with its version in git, cannot be built without them.
packages=ca-certificates,git,gcc,g++,make,libc6-dev,patch,less,procps,pkg-config,python3,python3-dev,python3-pip,python3-venv,python-is-python3

if "$engine" image inspect "$tag" >/dev/null 2>&1; then
  echo "$tag is here already"
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null; then
  echo "base.sh: run it as root, with debootstrap installed (apt-get install debootstrap)" >&2
  exit 2
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$root"
debootstrap --variant=minbase --include="$packages" "$suite" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || {
  tail -n 20 "$root.log" >&2
  echo "base.sh: debootstrap failed; its whole log is $root.log" >&2
  exit 3
}
rm -f "$root.log"

chroot "$root" useradd --uid 1000 --create-home --shell /bin/sh solve
install -d -o 1000 -g 1000 "$root/work"

if [ -n "${SSL_CERT_FILE:-}" ] && [ -r "$SSL_CERT_FILE" ]; then
  # update-ca-certificates wants one certificate a file.
  awk -v folder="$root/usr/local/share/ca-certificates" '
    /-----BEGIN CERTIFICATE-----/ { name = sprintf("%s/host-%04d.crt", folder, ++count) }
    name { print > name }
    /-----END CERTIFICATE-----/ { close(name); name = "" }
  ' "$SSL_CERT_FILE"
  chroot "$root" update-ca-certificates >/dev/null 2>&1
fi

rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/debootstrap
tar --directory "$root" --create --one-file-system . | "$engine" import \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8' \
  --change 'LABEL solve.base=1' \
  --change 'CMD ["/bin/sh"]' \
  - "$tag" >/dev/null
echo "made $tag"
