#!/bin/sh
# Checks what must be there before anything is built, and names all that is missing at once.
set -u

missing=""
note() { missing="$missing
  - $1"; }

# Whether version $1 is at least version $2, both as numbers with dots.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

command -v git >/dev/null 2>&1 || note "git (apt-get install git)"
command -v cc >/dev/null 2>&1 || note "a C compiler (apt-get install build-essential)"

rust=$(cargo --version 2>/dev/null | cut -d ' ' -f 2)
if [ -z "$rust" ]; then
    note "Rust 1.95 or newer (https://rustup.rs)"
elif ! at_least "${rust%%-*}" 1.95.0; then
    note "Rust 1.95 or newer; this is $rust (rustup update stable)"
fi

node=$(node --version 2>/dev/null | tr -d v)
if [ -z "$node" ]; then
    note "Node 20.19 or newer (https://nodejs.org)"
elif ! at_least "$node" 20.19.0; then
    note "Node 20.19 or newer; this is $node (https://nodejs.org)"
fi
command -v npm >/dev/null 2>&1 || note "npm (comes with Node)"

if [ -n "$missing" ]; then
    printf 'heydok needs these programs first:%s\n' "$missing" >&2
    exit 1
fi
