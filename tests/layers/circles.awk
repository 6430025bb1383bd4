# SPDX-License-Identifier: Apache-2.0
# Circles among files: a.h or a.c includes b.h, and b.h or b.c, perhaps by way of others, a.h. Within a folder that is
# allowed; across folders neither can be understood, or tested, without the other. Strongly connected components (Tarjan).

function stem(path) { sub(/\.[ch]$/, "", path); return path }

function add_edge(from, to) {
    if (from == to || (from, to) in edge)
        return
    edge[from, to] = 1
    edges[from] = edges[from] " " to
}

function visit(v,   i, n, next_of) {
    low[v] = index_of[v] = ++visited
    stack[++depth] = v
    on_stack[v] = 1
    n = split(edges[v], next_of, " ")
    for (i = 1; i <= n; i++) {
        if (!(next_of[i] in index_of))
            visit(next_of[i])
        if (on_stack[next_of[i]] && low[next_of[i]] < low[v])
            low[v] = low[next_of[i]]
    }
    if (low[v] == index_of[v])
        take_component(v)
}

function take_component(root,   v, names, crosses) {
    do {
        v = stack[depth--]
        on_stack[v] = 0
        names = names " " v
        crosses = crosses || folder_of(v) != folder_of(root)
    } while (v != root)
    if (crosses)
        complain(root, "a circle across folders:" names)
}

function check_circles(   v) {
    for (v in edges)
        if (!(v in index_of))
            visit(v)
}
