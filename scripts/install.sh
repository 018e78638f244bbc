#!/bin/sh
# Installs Debian packages that are missing. "build": what the binary needs; "test": also what the tests need.
set -eu

# Looks for what a package brings, so that nothing is asked of apt where it came another way.
packages=""
want() { # want <package> <command or file>...
    package=$1
    shift
    for thing in "$@"; do
        case $thing in
            /*) for match in $thing; do [ -e "$match" ] && return 0; done ;;
            *) command -v "$thing" >/dev/null 2>&1 && return 0 ;;
        esac
    done
    packages="$packages $package"
}

want cmake cmake # aws-lc builds itself with it
want ca-certificates /etc/ssl/certs/ca-certificates.crt
if [ "${1:-build}" = test ]; then
    want curl curl
    want chromium chromium
    want openssl openssl # certificates for the tests
    want ffmpeg ffmpeg
    want pebble pebble pebble-challtestsrv # an ACME server
    want postgresql "/usr/lib/postgresql/*/bin/initdb"
    want iproute2 ip      # networks of the tests' own, where
    want nftables nft     # firewalls cut what is looked for
    want python3 python3
    want dpkg dpkg-deb
    want binutils objdump
    python3 -c 'import ensurepip, venv' 2>/dev/null || packages="$packages python3-venv"
    want fonts-noto-color-emoji "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
fi
[ -n "$packages" ] || exit 0

command -v apt-get >/dev/null 2>&1 || {
    echo "Please install with your package manager:$packages" >&2
    exit 1
}
sudo=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "Please install as root: apt-get install$packages" >&2
        exit 1
    }
    sudo=sudo
fi
echo "installing:$packages"
export DEBIAN_FRONTEND=noninteractive
# Debian would start a PostgreSQL of its own; the tests bring up theirs, in a folder that vanishes.
$sudo apt-get update -qq
if case " $packages " in *" postgresql "*) true ;; *) false ;; esac; then
    $sudo apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null
    $sudo sed -i "s/^#\?create_main_cluster.*/create_main_cluster = false/" /etc/postgresql-common/createcluster.conf
fi
# shellcheck disable=SC2086 # a list of names
$sudo apt-get install -y -qq --no-install-recommends $packages >/dev/null
