# SPDX-License-Identifier: Apache-2.0
# Puts what `discoverd --metrics` prints into the section METRICS of discoverd(8): awk -f metrics-man.awk metrics.txt discoverd.8
BEGIN { FS = "\t" }
function plain(text) { gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text); return text }
NR == FNR {
    family = $1
    sub(/[{].*/, "", family)
    if (!(family in type)) {
        order[++n] = family
        type[family] = $2
        help[family] = $3
    }
    if (match($1, /[{].*[}]/)) labels[family] = labels[family] (labels[family] ? ", " : "") substr($1, RSTART + 1, RLENGTH - 2)
    next
}
/^[.]SH FILES/ {
    for (i = 1; i <= n; i++) {
        family = order[i]
        print ".TP\n.B " plain(family)
        line = type[family]
        if (family in labels) line = line "; " labels[family]
        print plain(line) ".\n.br\n" plain(help[family])
    }
}
{ print }
