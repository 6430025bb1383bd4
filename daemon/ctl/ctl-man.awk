# SPDX-License-Identifier: Apache-2.0
# Makes discoverctl(1) of its text and of what the program says of itself: how each command is called, which stands above what the
# page says of it, and its options, which follow that. Usage: awk -v ctl=DISCOVERCTL -f ctl-man.awk discoverctl.1
function plain(text) { gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text); return text }
function quoted(text) { gsub(/"/, "\\(dq", text); return "\"" plain(text) "\"" }
function fail(text) { print text >"/dev/stderr"; failed = 1; exit 1 }

# How it is called: "Usage: discoverctl NAME ...", and lines below that begin with the program's name.
function read_help(name,    line, command, word, text) {
    n_usages = options = ""
    n_usages = 0
    command = ctl " " name " --help"
    while ((command | getline line) > 0) {
        if (line ~ /^(Usage:|      ) discoverctl /) {
            sub(/^(Usage:|      ) discoverctl /, "", line)
            usages[n_usages++] = line
        } else if (line ~ /^  --/) {
            match(line, /^  --[^ ]+( [^ ]+)? +/)
            split(substr(line, 3, RLENGTH - 2), word, " ")
            text = substr(line, RLENGTH + 1)
            options = options ".TP\n" (word[2] ? ".BI " plain(word[1]) " \" " plain(word[2]) "\"" : ".B " plain(word[1]))
            options = options "\n" plain(toupper(substr(text, 1, 1)) substr(text, 2)) "\n"
        }
    }
    close(command)
    if (n_usages == 0) fail(name ": there is no such command")
}

# Several commands may share what is said of them; the options of each come behind it.
function flush(    i) {
    for (i = 0; i < n_pending; i++) printf "%s", pending[i]
    n_pending = 0
}

/^\.SH / { flush(); inside = $2 == "COMMANDS" }
inside && /^\.SS / {
    name = $2
    gsub(/"/, "", name)
    if (printed) flush()
    printed = 0
    if (!(name in seen)) {
        seen[name] = 1
        read_help(name)
        for (i = 0; i < n_usages; i++) print ".SS " quoted(usages[i])
        pending[n_pending++] = options
    }
    next
}
{ printed = 1; print }
END {
    if (failed) exit 1
    command = ctl " --help"
    while ((command | getline line) > 0)
        if (line ~ /^  [a-z]+ / && split(line, word, " ") && !(word[1] in seen)) {
            print "discoverctl.1 says nothing of " word[1] >"/dev/stderr"
            failed = 1
        }
    exit failed
}
