#!/bin/sh
# Fault tests, run by `make faults`: every operation of the store with the Nth
# call that changes the disk failing, or the process dying there.
# $1 is a build folder with tests/faults/faultlib.so and faults_SUBJECT.
set -eu
build=${1:?usage: run.sh BUILD}
# In memory, where syncs cost nothing: which calls fail is the same.
[ -n "${TMPDIR:-}" ] || { [ -w /dev/shm ] && export TMPDIR=/dev/shm; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# kill -9, ENOSPC, EIO, EROFS, EDQUOT
for errno in 0 28 5 30 122; do
	for program in "$build"/tests/faults/faults_*; do
		name=$(basename "$program").$errno
		mkdir "$work/$name"
		echo "$program" "$work/$name" "$build/tests/faults/faultlib.so" \
			"$errno"
	done
done >"$work/all"
xargs -P "$(nproc)" -L 1 env <"$work/all"
