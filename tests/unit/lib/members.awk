# SPDX-License-Identifier: Apache-2.0
# Of public headers, for test_layout.c: STRUCTURE(name) for each public structure, MEMBER(name, member) for each of its members,
# CONSTANT(name) for each enumerator.
BEGIN { RS = "\001" }

function members(name, body,    n, i, k, list, m, names) {
    printf "STRUCTURE(%s)\n", name
    n = split(body, list, ";")
    for (i = 1; i < n; i++) {
        m = split(list[i], names, ",")
        for (k = 1; k <= m; k++) {
            sub(/(\[[^]]*\])+ *$/, "", names[k])
            sub(/ +$/, "", names[k])
            sub(/.*[ *]/, "", names[k])
            printf "MEMBER(%s, %s)\n", name, names[k]
        }
    }
}

{
    while (i = index($0, "/*"))
        $0 = substr($0, 1, i - 1) substr($0, i + 1 + index(substr($0, i + 2), "*/") + 2)
    gsub(/[ \t\n]+/, " ")
    n_parts = split($0, parts, "struct discover_")
    for (part = 2; part <= n_parts; part++)
        if (match(parts[part], /^[a-z_]+ \{/)) {
            name = substr(parts[part], 1, RLENGTH - 2)
            rest = substr(parts[part], RLENGTH + 1)
            # A member may be a structure itself: put the pieces together again up to the end.
            for (k = part + 1; !index(rest, "}") && k <= n_parts; k++)
                rest = rest "struct discover_" parts[k]
            members(name, substr(rest, 1, index(rest, "}") - 1))
        }
    while (match($0, /DISCOVER_[A-Z0-9_]+ = /)) {
        printf "CONSTANT(%s)\n", substr($0, RSTART, RLENGTH - 3)
        $0 = substr($0, RSTART + RLENGTH)
    }
}
