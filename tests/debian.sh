#!/bin/sh
# Installs Debian packages for the tests, as root, without starting their servers:
# not now (policy-rc.d), and not at the next boot. The tests start servers of their own.
# Usage: debian.sh PACKAGE... - none of which is installed yet.
set -eu
export DEBIAN_FRONTEND=noninteractive

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

apt-get update -qq
# Debian 12 and Ubuntu call the Java that Neo4j 5.26 wants by its number, Debian 13 has a newer one.
if ! apt-cache show openjdk-17-jre-headless >/dev/null 2>&1; then
  # shellcheck disable=SC2046 # the names have no blanks
  set -- $(echo "$@" | sed 's/openjdk-17-jre-headless/default-jre-headless/')
fi
apt-get install -qq --no-install-recommends "$@" >/dev/null

if [ -d /run/systemd/system ]; then
  for package in "$@"; do
    if systemctl cat "$package.service" >/dev/null 2>&1; then
      systemctl disable --quiet "$package.service"
    fi
  done
fi
