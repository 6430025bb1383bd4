/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl explain: why something is in the answers, or is not. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/explain_text.h"
#include "daemon/ctl/options.h"

#define NAME_CAP 512

struct explaining {
    const struct ctl *ctl;
    void (*print)(const json_t *document, FILE *out);
    int status;
};

static int print_help(void)
{
    fputs(
        "Usage: discoverctl explain [SERVICE [[HOST/]INSTANCE]]\n"
        "       discoverctl explain HOST\n\n"
        "Why an instance is in the answers or out of them, and by which rule; what is known of its record, its host's\n"
        "lease and its checks; and what clients of the service get from DNS and from pick. Of a host: its lease and "
        "its\n"
        "instances. Without a name: whatever is out or unusual. A name that is not known: what may have been meant, "
        "and\n"
        "what was refused under it.\n",
        stdout);
    return CTL_DONE;
}

static void take(void *arg, const char *text, size_t n)
{
    struct explaining *x = arg;
    json_error_t error;
    json_t *document = json_loadb(text, n, 0, &error);
    if (!document) {
        ctl_note("the daemon's answer is no JSON: %s", error.text);
        return;
    }
    bool known = json_is_true(json_object_get(document, "known"));
    if (x->ctl->json) {
        x->status = ctl_print_json(document);
    } else {
        x->print(document, stdout);
        json_decref(document);
        x->status = fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
    }
    if (x->status == CTL_DONE && !known)
        x->status = CTL_NONE;
}

static int explain(const struct ctl *ctl, const char *name, const char *what, struct explaining *x)
{
    int status;
    struct discover *d = ctl_connect(ctl, &status);
    if (!d)
        return status;
    int err = discover_document(d, name, take, x);
    status = err < 0 ? ctl_failed(d, what ? what : "explain", err) : x->status;
    discover_free(d);
    return status;
}

int cmd_explain(const struct ctl *ctl, char **argv)
{
    struct explaining x = {.ctl = ctl, .status = CTL_FAILED};
    char name[NAME_CAP];
    if (ctl_wants_help(argv))
        return print_help();
    const char *what = argv[0], *instance = what ? argv[1] : NULL;
    if (instance && argv[2])
        return ctl_usage_error("explain takes a service and an instance of it, or a host");
    if (instance && !strchr(what, '/'))
        return ctl_usage_error("%s: not a service, which is written DOMAIN/SERVICE", what);
    int n = snprintf(name, sizeof name, "explain%s%s%s%s", what ? "/" : "", what ? what : "", instance ? "/" : "",
                     instance ? instance : "");
    if (n >= (int)sizeof name)
        return ctl_usage_error("%s: not a name", what);
    x.print = !what ? explain_all_text : strchr(what, '/') ? explain_service_text : explain_host_text;
    return explain(ctl, name, what, &x);
}
