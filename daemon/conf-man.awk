# SPDX-License-Identifier: Apache-2.0
# Makes discoverd.conf(5) of what `discoverd --keys` prints, so that the page cannot say anything else than the program, and of
# an example for each section. Usage: awk -f conf-man.awk conf-examples.conf keys.txt
BEGIN {
    FS = "\t"
    print ".\\\" SPDX-License-Identifier: Apache-2.0"
    print ".TH DISCOVERD.CONF 5 \"\" \"discoverd\" \"File formats\""
    print ".SH NAME\ndiscoverd.conf \\- configuration of discoverd"
    print ".SH DESCRIPTION"
    print "The syntax is that of libconfig: settings end with a semicolon, groups stand in braces, lists of texts in"
    print "brackets, lists of groups in parentheses; # begins a comment, @include \"FILE\" takes in another file."
    print "A dot in a key below means a setting within a group:"
    print ".PP\n.nf\ndns = { ttl = \"5s\"; };"
    print "services = ( { name = \"shop/payment\"; port = 8080; } );\n.fi\n.PP"
    print "Durations are a number and a unit: ms, s, m, h. A key that is unknown, of the wrong type or out of range is"
    print "refused with its file and line; \\fBdiscoverd -t\\fR prints all that is wrong at once."
    print ".PP"
    print "A reload (\\fBdiscoverctl reload\\fR, SIGHUP) takes the keys that are marked with \\(lqreload\\(rq; what else has"
    print "changed takes effect with the next start, and the reload names it. Files with secrets and certificates that a key"
    print "names are read again as well."
    print ".SH KEYS"
}
function plain(text) { gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text); return text }
function code(text) { text = plain(text); return text ~ /^[.']/ ? "\\&" text : text }

FNR == NR && /^#\[.*\]$/ { section = substr($0, 3, length($0) - 3); next }
FNR == NR && !/^# / && NF && section { example[section] = example[section] code($0) "\n"; next }
FNR == NR { next }

# Sections in the order of their first keys; keys stand in that of the table.
{
    section = $1
    sub(/[.\[].*/, "", section)
    if (section == "log" || ($1 == section && $2 != "list of groups")) section = "The host"
    if (!(section in text)) order[n_sections++] = section
    line = $2
    if ($3 != "") line = line ", default " $3
    if ($4 != "") line = line ", " $4
    if ($6 != "") line = line "; " $6
    text[section] = text[section] ".TP\n.B " plain($1) "\n" plain(line) ".\n.br\n" code($5) ".\n"
}
END {
    for (i = 0; i < n_sections; i++) {
        section = order[i]
        print ".SS \"" section "\""
        if (section in example) print ".EX\n" example[section] ".EE" # a test misses it
        printf "%s", text[section]
    }
    print ".SH SEE ALSO\n.BR discoverd (8),\n.BR discoverctl (1),\n.BR discoverd\\-operations (7)"
}
