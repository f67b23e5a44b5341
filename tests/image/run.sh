#!/bin/sh
# Builds the image and tests it from outside, with docker and docker-compose.
# Starts an engine if none runs, and ends the one it started. The base image
# cannot be pulled everywhere, so it is made from packages where it is missing.
#
#	tests/image/run.sh [pytest arguments]
set -eu
cd "$(dirname "$0")/../.."

export IMAGE="${IMAGE:-pillarbox}"
base=debian:trixie-slim
work=$(mktemp -d)
engine=

clean() {
	if [ -n "$engine" ]; then
		kill "$engine"
		while kill -0 "$engine" 2>/dev/null; do
			sleep 0.2
		done
	fi
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

tools() {
	missing=
	for p in docker.io docker-compose iptables debootstrap swaks \
		libnet-ssleay-perl python3-pytest; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
			grep -q 'ok installed' || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	echo "installing$missing"
	apt-get update -qq
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends $missing >/dev/null
}

start_engine() {
	docker info >/dev/null 2>&1 && return 0
	setsid dockerd >"$work/dockerd.log" 2>&1 </dev/null &
	engine=$!
	tries=0
	until docker info >/dev/null 2>&1; do
		tries=$((tries + 1))
		if [ $tries -gt 150 ]; then
			echo "dockerd did not start:" >&2
			tail -20 "$work/dockerd.log" >&2
			exit 1
		fi
		sleep 0.2
	done
}

# From the mirror that this machine installs from, with its apt's network
# settings, so that apt works in a build too.
make_base() {
	docker image inspect $base >/dev/null 2>&1 && return 0
	echo "making $base"
	# shellcheck disable=SC2016
	mirror=$(apt-get indextargets --format '$(SITE)' \
		'Identifier: Packages' | sed -n 1p)
	debootstrap --variant=minbase trixie "$work/root" "$mirror" \
		>"$work/debootstrap.log" 2>&1 || {
		tail -20 "$work/debootstrap.log" >&2
		exit 1
	}
	apt-config dump Acquire | grep -E 'Proxy|Check-' \
		>"$work/root/etc/apt/apt.conf.d/90host" || true
	tar -C "$work/root" --exclude='./proc/*' --exclude='./dev/*' \
		--exclude='./var/cache/apt/archives/*.deb' \
		--exclude='./var/lib/apt/lists/*' -c . |
		docker import - $base >/dev/null
	rm -rf "$work/root"
}

tools
start_engine
make_base
[ -n "${KEEP_IMAGE:-}" ] || make -s image IMAGE="$IMAGE"
/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/image "$@"
