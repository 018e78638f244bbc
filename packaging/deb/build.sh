#!/bin/sh
# Makes a Debian package of a built heydok: build.sh <binary> <folder for the package>. Needs dpkg-deb and objdump (binutils).
set -eu
binary=$1
output=$2
cd "$(dirname "$0")/../.."

name=heydok
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
architecture=$(dpkg --print-architecture)
# The oldest C library that has everything the binary asks for.
libc=$(objdump -T "$binary" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
# The same sources make the same package.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
put() { install -D --mode="$1" "$2" "$root/$3"; }

put 755 "$binary" usr/bin/heydok
for unit in heydok heydok-media; do put 644 "packaging/$unit.service" "usr/lib/systemd/system/$unit.service"; done
# They may hold secrets; systemd reads them before it gives up its rights.
for settings in heydok media; do put 600 "packaging/$settings.env" "etc/heydok/$settings.env"; done
put 644 livekit-config.yaml etc/heydok/livekit-config.yaml
doc=usr/share/doc/$name
put 644 LICENSE "$doc/copyright"
put 644 docs/configuration.md "$doc/configuration.md"
put 644 docs/deployment.md "$doc/deployment.md"
put 644 docs/troubleshooting.md "$doc/troubleshooting.md"
put 644 docs/livekit-compatibility.md "$doc/livekit-compatibility.md"
put 644 CHANGELOG.md "$doc/CHANGELOG.md"
for example in packaging/proxy/*; do put 644 "$example" "$doc/examples/$(basename "$example")"; done

mkdir "$root/DEBIAN"
for script in postinst prerm postrm; do put 755 "packaging/deb/$script" "DEBIAN/$script"; done
(cd "$root" && find etc -type f | sort | sed 's|^|/|') >"$root/DEBIAN/conffiles"
(cd "$root" && find usr -type f | sort | xargs md5sum) >"$root/DEBIAN/md5sums"
cat >"$root/DEBIAN/control" <<CONTROL
Package: $name
Version: $version
Architecture: $architecture
Maintainer: heydok maintainers <maintainers@heydok.invalid>
Section: video
Priority: optional
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f 1)
Depends: libc6 (>= ${libc#GLIBC_}), libgcc-s1, adduser, ca-certificates
Suggests: caddy | nginx, postgresql
Description: video meetings that one person can run
 Open a link, type a name, talk: web page, API, database and a media server
 for LiveKit clients in one program. It starts on port 8000 (HTTP), UDP
 port 7882 and TCP port 7881 (sound and video). Browsers give camera and
 microphone to HTTPS only: it gets a certificate itself (ACME), takes files,
 or stands behind a proxy. "heydok doctor" says why calls do not work.
CONTROL

mkdir -p "$output"
package=$output/${name}_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$root" "$package" >/dev/null
echo "built $package"
