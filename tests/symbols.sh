#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# symbols.sh - what the libraries define and export: gpuvm_ and nothing else; and every function the headers declare.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib.sh

O=${O:-build}
lib=$O/release/libgpuvm.a
shlib=$O/release/libgpuvm.so.0
out=$O/tests
mkdir -p "$out"

# Fails, naming them, if there are lines on stdin.
none() {
	local lines
	lines=$(cat)
	[ -z "$lines" ] || {
		echo "$lines"
		return 1
	}
}

defined() { nm -g --defined-only "$lib" | awk 'NF == 3 { print $3 }' | sort -u; }
exported() { nm -D --defined-only "$shlib" | awk '{ print $NF }' | sort -u; }
declared() {
	cat include/gpuvm/*.h | sed 's|/\*.*\*/||' | tr '\n' ' ' | grep -o 'GPUVM_API [^;]*' |
		grep -o '\bgpuvm_[a-z0-9_]*\s*(' | tr -d ' (\t' | sort -u
}

only_gpuvm_in_archive() { defined | grep -v '^gpuvm_' | none; }
only_gpuvm_exported() { exported | grep -v '^gpuvm_[a-z]' | none; }
nothing_private_exported() { exported | grep '^gpuvm__' | none; }
all_declared_exported() { comm -23 <(declared) <(exported) | none; }
all_exported_declared() { comm -13 <(declared) <(exported) | none; }
some() { [ "$(exported | wc -l)" -gt 50 ]; }

# Every header's functions can be called by a program that links the shared library alone.
links() {
	printf '#include <gpuvm/gpuvm.h>\n#include <stdio.h>\nint main(void) { return puts(gpuvm_version()) < 0; }\n' |
		${CC:-gcc} -std=c11 -Iinclude -x c -o "$out/links" - -x none "$shlib" -Wl,-rpath,"$PWD/$O/release" &&
		ln -sf libgpuvm.so.0 "$O/release/libgpuvm.so" && "$out/links" >/dev/null
}

check 'the archive defines gpuvm_ only' only_gpuvm_in_archive
check 'the shared library exports gpuvm_ only' only_gpuvm_exported
check 'nothing private is exported' nothing_private_exported
check 'everything declared is exported' all_declared_exported
check 'everything exported is declared' all_exported_declared
check 'there is something to export' some
check 'a program links the shared library' links
finish
