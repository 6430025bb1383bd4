# SPDX-License-Identifier: Apache-2.0
# Makes discoverd.conf(5) of what `discoverd --keys` prints: the page cannot say anything else than the program.
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
    print "refused with its file and line; \\fBdiscoverd -t\\fR tells all that is wrong at once."
    print ".SH KEYS"
}
function plain(text) { gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text); return text }
{
    print ".TP\n.B " plain($1)
    line = $2
    if ($3 != "") line = line ", default " $3
    if ($4 != "") line = line ", " $4
    print plain(line) ".\n.br\n" plain($5) "."
}
END {
    print ".SH SEE ALSO\n.BR discoverd (8)"
}
