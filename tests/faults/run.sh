#!/bin/sh
# Fault tests, run by `make faults`: every operation of the store with the Nth
# call that changes the disk failing, or the process dying there.
# $1 is a build folder with tests/faults/faultlib.so and faults_SUBJECT.
set -eu
build=${1:?usage: run.sh BUILD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for program in "$build"/tests/faults/faults_*; do
	# kill -9, ENOSPC, EIO, EROFS, EDQUOT
	for errno in 0 28 5 30 122; do
		mkdir "$work/m"
		"$program" "$work/m" "$build/tests/faults/faultlib.so" "$errno"
		rm -rf "$work/m"
	done
done
