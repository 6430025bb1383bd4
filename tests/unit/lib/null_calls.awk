# SPDX-License-Identifier: Apache-2.0
# Of public headers, calls of each function with NULL for each pointer in turn, as macros for test_null.c:
#     INT(function, parameter, function(VALID(...), NULL, ...))
# VALID_... has a valid value of each type, by its words; a type that is new there does not compile.
BEGIN { RS = "\001" }

function trim(text) { gsub(/^ +| +$/, "", text); return text }

function split_parameter(text) {
    text = trim(text)
    match(text, /[A-Za-z_0-9]+$/)
    name = substr(text, RSTART)
    type = trim(substr(text, 1, RSTART - 1))
    pointer = type ~ /\*$/ && text != "void *arg"
    gsub(/\*/, "pointer", type)
    gsub(/ +/, "_", type)
}

function calls(declaration,    open, kind, function_name, n, i, k, list, arguments) {
    open = index(declaration, "(")
    kind = trim(substr(declaration, 1, open - 1))
    match(kind, /discover_[a-z0-9_]+$/)
    function_name = substr(kind, RSTART)
    kind = trim(substr(kind, 1, RSTART - 1))
    kind = kind ~ /char \*$/ ? "TEXT" : kind == "void" ? "NOTHING" : "INT"
    n = split(substr(declaration, open + 1, length(declaration) - open - 1), list, ",")
    for (i = 1; i <= n; i++) {
        split_parameter(list[i])
        if (trim(list[i]) == "void" || !pointer && type !~ /_fn_pointer$/)
            continue
        parameter = name
        arguments = ""
        for (k = 1; k <= n; k++) {
            split_parameter(list[k])
            arguments = arguments (k > 1 ? ", " : "") (k == i ? "NULL" : type == "void_pointer" ? "NULL" : "VALID_" type)
        }
        printf "%s(%s, %s, %s(%s))\n", kind, function_name, parameter, function_name, arguments
    }
}

{
    while (i = index($0, "/*"))
        $0 = substr($0, 1, i - 1) substr($0, i + 1 + index(substr($0, i + 2), "*/") + 2)
    gsub(/[ \t\n]+/, " ")
    n_parts = split($0, parts, "DISCOVER_API")
    for (part = 2; part <= n_parts; part++) {
        declaration = substr(parts[part], 1, index(parts[part], ";") - 1)
        sub(/DISCOVER_CHECK/, "", declaration)
        calls(trim(declaration))
    }
}
