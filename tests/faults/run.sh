#!/bin/sh
# Fault tests. Builds nothing: $1 is a build folder that holds
# tests/faults/faultlib.so and tests/faults/store_faults. Made with:
#
#   B=build; mkdir -p $B/tests/faults
#   cc -shared -fPIC -D_GNU_SOURCE -O1 -o $B/tests/faults/faultlib.so \
#       tests/faults/faultlib.c -ldl
#   cc -std=gnu17 -D_GNU_SOURCE -Ilib -O1 -g -o $B/tests/faults/store_faults \
#       tests/faults/store_faults.c $B/lib/store.a $B/lib/mail.a $B/lib/core.a \
#       -lsqlite3 -lpthread
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
