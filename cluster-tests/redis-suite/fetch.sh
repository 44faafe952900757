#!/usr/bin/env bash
# Puts the source of Redis 7.0 (BSD licence), as Debian 12 has it, into FOLDER/redis. Needs dpkg-source.
#
#   fetch.sh FOLDER
set -euo pipefail

folder=${1:?folder}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
printf 'deb-src [signed-by=%s] http://deb.debian.org/debian bookworm main\n' "$keyring" >"$folder/sources.list"
# Lists of its own: the machine's may have no sources, and stay as they are.
options=(-o "Dir::Etc::SourceList=$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$folder/lists" -o "Dir::Cache=$folder/cache")
apt-get "${options[@]}" -qq update
cd "$folder"
apt-get "${options[@]}" -qq source redis
mv redis-7.*/ redis
