# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# catalogue.awk - turns catalogue.def into build/gen/catalogue.h (X-macro tables) and build/gen/catalogue.mk (names).
# usage: awk -v form=h|mk -f scripts/catalogue.awk catalogue.def
#
# A malformed line stops the build with its number.

function fail(why) { printf "catalogue.def:%d: %s: %s\n", NR, why, $0 >"/dev/stderr"; failed = 1; exit 1 }
function pick(attrs, key,    n, parts, i, kv) {
	n = split(attrs, parts, ",")
	for (i = 1; i <= n; i++) {
		split(parts[i], kv, "=")
		if (kv[1] == key)
			return kv[2]
	}
	fail("preset without " key)
}
/^[ \t]*(#|$)/ { next }
{
	kind = $1; name = $2; attrs = $3
	if (NF < 4)
		fail("want: kind name attributes description")
	if (kind !~ /^(list|space|ref|alloc|preset|case|peer|scenario)$/)
		fail("unknown kind")
	if (name !~ /^[a-z][a-z0-9_]*$/)
		fail("a name is lower-case letters, digits and _")
	if ((kind, name) in seen)
		fail("named twice")
	seen[kind, name] = 1
	doc = $0
	sub(/^[ \t]*[^ \t]+[ \t]+[^ \t]+[ \t]+[^ \t]+[ \t]+/, "", doc)
	gsub(/"/, "\\\"", doc)
	n[kind]++
	names[kind, n[kind]] = name
	docs[kind, n[kind]] = doc
	all[kind, n[kind]] = attrs
	busted[kind, n[kind]] = (attrs ~ /(^|,)busted(,|$)/) ? 1 : 0
}
END {
	if (failed)
		exit 1
	split("list space ref alloc preset case peer scenario", kinds, " ")
	if (form == "mk") {
		for (k = 1; k in kinds; k++) {
			printf "%ss :=", kinds[k]
			for (i = 1; i <= n[kinds[k]]; i++)
				printf " %s", names[kinds[k], i]
			print ""
		}
		exit 0
	}
	print "/* made from catalogue.def by scripts/catalogue.awk: do not edit */"
	for (k = 1; k in kinds; k++) {
		kind = kinds[k]
		printf "#define GPUVM__%sS(X)", toupper(kind)
		for (i = 1; i <= n[kind]; i++) {
			if (kind == "preset")
				printf " \\\n\tX(%s, \"%s\", \"%s\", \"%s\", \"%s\", \"%s\")", names[kind, i],
					pick(all[kind, i], "list"), pick(all[kind, i], "space"),
					pick(all[kind, i], "ref"), pick(all[kind, i], "alloc"), docs[kind, i]
			else
				printf " \\\n\tX(%s, \"%s\", %d)", names[kind, i], docs[kind, i], busted[kind, i]
		}
		print ""
	}
	printf "#define GPUVM__LIST_REFS(X)"
	for (i = 1; i <= n["list"]; i++)
		for (j = 1; j <= n["ref"]; j++)
			printf " \\\n\tX(%s, %s)", names["list", i], names["ref", j]
	print ""
}
