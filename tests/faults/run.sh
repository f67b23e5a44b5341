#!/bin/sh
# Fault tests, run by `make faults`: every operation of the store with the Nth
# write, sync, rename, link or unlink failing, or the process dying there.
# $1 is a build folder with tests/faults/faultlib.so and store_faults.
set -eu
build=${1:?usage: run.sh BUILD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# kill -9, ENOSPC, EIO, EROFS, EDQUOT
for errno in 0 28 5 30 122; do
	mkdir "$work/$errno"
	"$build/tests/faults/store_faults" "$work/$errno" \
		"$build/tests/faults/faultlib.so" "$errno"
done
