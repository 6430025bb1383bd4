# SPDX-License-Identifier: Apache-2.0
# See check. Reads rules.txt, then all files one after the other.

function complain(place, text) { print place ": " text; breaches++ }

function breach(text) { complain(FILENAME ":" FNR, text) }

function folder_of(path) { sub("/[^/]*$", "", path); return path }

# The rule of the longest folder that holds the path.
function rule_of(path,   dir) {
    for (dir = folder_of(path); dir != ""; dir = index(dir, "/") ? folder_of(dir) : "")
        if (dir in may)
            return dir
    return ""
}

function may_include(rule, target,   i, n, allowed) {
    if (rule_of(target) == rule)
        return 1
    n = split(may[rule], allowed, " ")
    for (i = 1; i <= n; i++)
        if (target == allowed[i] || index(target, allowed[i] "/") == 1 && rule_of(target) != "libdiscover/core" || rule_of(target) == allowed[i])
            return 1
    return 0
}

function check_own(name,   target) {
    if (name ~ /^\.\.?\//)
        return breach("include from the top, not \"" name "\"")
    target = name ~ /^discover\// ? "libdiscover/include/" name : name
    if (FILENAME !~ /^tests\//)
        add_edge(stem(FILENAME), stem(target))
    if (rule != "" && !may_include(rule, target))
        breach(rule " must not include " name)
    check_place(name)
}

function check_order(target,   own) {
    own = FILENAME
    sub(/\.c$/, ".h", own)
    if (FILENAME ~ /\.c$/ && ++includes == 1 && target != own && (own in exists))
        breach("its own header comes first")
}

function check_place(name,   i) {
    for (i = 0; i < n_only; i++)
        if (name ~ ("^(" only_header[i] ")$") && FILENAME !~ ("^(" only_files[i] ")$") && FILENAME !~ /^tests\//)
            breach("<" name "> belongs to " only_files[i])
}

function begin_file() {
    rule = FILENAME ~ /^tests\// ? "" : rule_of(FILENAME)
    includes = 0
    is_source = FILENAME ~ /\.[ch]$/
    needs_head = is_source || /^#!/
    has_head = 0
    last = FILENAME
    check_name()
}

# A name that stands twice leads the reader to the wrong file.
function check_name(   name) {
    if (!is_source || FILENAME !~ /^(daemon|libdiscover)\//)
        return
    name = FILENAME
    sub(/^.*\//, "", name)
    if (name in named && name != "main.c")
        complain(FILENAME ":1", "the name stands twice: " named[name])
    named[name] = FILENAME
}

function end_file() {
    if (last == "")
        return
    if (needs_head && !has_head)
        complain(last ":1", "no SPDX-License-Identifier at its head")
    lines_max = last ~ /^(daemon|libdiscover)\// ? 500 : 600
    if (lines > lines_max)
        complain(last ":" lines, "longer than " lines_max " lines")
}

BEGIN {
    n_only = n_never = breaches = 0
    while ((getline line < rules) > 0) {
        n = split(line, word, " ")
        if (n == 0 || word[1] ~ /^#/)
            continue
        if (word[1] == "only") {
            only_header[n_only] = word[2]
            only_files[n_only++] = word[3]
        } else if (word[1] == "never") {
            never_files[n_never] = word[2]
            sub(/^never +[^ ]+ +/, "", line)
            never_text[n_never++] = line
        } else {
            sub(/^[^ ]+ +/, "", line)
            may[word[1]] = line
        }
    }
    for (i = 1; i < ARGC; i++)
        exists[ARGV[i]] = 1
}

FNR == 1 {
    end_file()
    begin_file()
}

{ lines = FNR }
FNR <= 3 && /SPDX-License-Identifier: Apache-2\.0/ { has_head = 1 }

is_source && /^#include "/ {
    split($0, part, "\"")
    check_own(part[2])
    check_order(part[2])
}

is_source && /^#include </ {
    match($0, /<[^>]*>/)
    name = substr($0, RSTART + 1, RLENGTH - 2)
    check_place(name)
    if (name ~ /^discover\//)
        check_own(name)
    check_order(name)
}

is_source {
    for (i = 0; i < n_never; i++)
        if (FILENAME ~ ("^(" never_files[i] ")$") && $0 ~ never_text[i] && $0 !~ /^ ?(\*|\/\*)/)
            breach("not here: " $0)
}

END {
    end_file()
    check_circles()
    exit breaches > 0
}
