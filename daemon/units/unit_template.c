/* SPDX-License-Identifier: Apache-2.0 */
/* Names of templates and of their instances, and the specifiers of systemd that stand for parts of them. */
#include "daemon/units/unit_template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/units/units.h"
#include "libdiscover/core/hex.h"

/* The parts of a unit's name. */
struct parts {
    char name[UNIT_NAME_CAP], stem[UNIT_NAME_CAP], prefix[UNIT_NAME_CAP], instance[UNIT_NAME_CAP];
};

bool unit_is_template(const char *unit)
{
    const char *at = strchr(unit, '@');
    return at && at[1] == '.';
}

bool unit_is_instance_of(const char *unit, const char *template)
{
    const char *at = strchr(template, '@'), *end = strrchr(unit, '.');
    size_t n = at ? (size_t)(at + 1 - template) : 0;
    return n && strncmp(unit, template, n) == 0 && end && end > unit + n && strcmp(end, at + 1) == 0;
}

static void take_apart(const char *unit, struct parts *ret_parts)
{
    struct parts *p = ret_parts;
    snprintf(p->name, sizeof p->name, "%s", unit);
    const char *dot = strrchr(p->name, '.');
    snprintf(p->stem, sizeof p->stem, "%.*s", (int)(dot ? dot - p->name : (long)strlen(p->name)), p->name);
    const char *at = strchr(p->stem, '@');
    snprintf(p->prefix, sizeof p->prefix, "%.*s", (int)(at ? at - p->stem : (long)strlen(p->stem)), p->stem);
    snprintf(p->instance, sizeof p->instance, "%s", at ? at + 1 : "");
}

/* As systemd-escape(1) --unescape. */
static void unescape(const char *text, char ret_text[static UNIT_NAME_CAP])
{
    char *to = ret_text;
    for (const char *at = text; *at; at++) {
        uint8_t byte = 0;
        bool coded = at[0] == '\\' && at[1] == 'x' && hex_read(at + 2, &byte, 1) && byte >= ' ' && byte != 0x7f;
        *to++ = coded ? (char)byte : *at == '-' ? '/' : *at;
        at += coded ? 3 : 0;
    }
    *to = '\0';
}

static const char *last_component(const char *prefix)
{
    const char *dash = strrchr(prefix, '-');
    return dash ? dash + 1 : prefix;
}

/* NULL: no specifier that is known here. Until the next call. */
static const char *specified(const struct parts *p, char specifier, char buffer[static UNIT_NAME_CAP])
{
    switch (specifier) {
    case 'i':
        return p->instance;
    case 'n':
        return p->name;
    case 'N':
        return p->stem;
    case 'p':
        return p->prefix;
    case 'j':
        return last_component(p->prefix);
    case '%':
        return "%";
    case 'I':
        unescape(p->instance, buffer);
        return buffer;
    case 'P':
        unescape(p->prefix, buffer);
        return buffer;
    case 'J':
        unescape(last_component(p->prefix), buffer);
        return buffer;
    default:
        return NULL;
    }
}

int unit_template_expand(const char *text, const char *unit, char **ret_text)
{
    char buffer[UNIT_NAME_CAP];
    struct parts parts;
    size_t n;
    FILE *out = open_memstream(ret_text, &n);
    if (!out)
        return -ENOMEM;
    take_apart(unit, &parts);
    for (const char *at = text; *at; at++) {
        const char *value = at[0] == '%' && at[1] ? specified(&parts, at[1], buffer) : NULL;
        if (value)
            fputs(value, out);
        else
            putc(*at, out);
        at += value ? 1 : 0;
    }
    bool failed = ferror(out);
    failed |= fclose(out) != 0;
    if (!failed)
        return 0;
    free(*ret_text);
    *ret_text = NULL;
    return -ENOMEM;
}
