/* SPDX-License-Identifier: Apache-2.0 */
/* The table of discoverctl's subcommands. */
#include "daemon/ctl/commands.h"

#include "daemon/ctl/list_options.h"
#include "daemon/ctl/register_options.h"

const struct command commands[] = {
    {"register", cmd_register, "register an instance of a service on this host", register_specs, WORDS_SERVICES, NULL},
    {"deregister", cmd_deregister, "take a registration back", deregister_specs, WORDS_SERVICES, NULL},
    {"resolve", cmd_resolve, "show the usable instances of a service", resolve_specs, WORDS_SERVICES, NULL},
    {"watch", cmd_watch, "show the changes of a service as they happen, or run a command at each", NULL, WORDS_SERVICES,
     NULL},
    {"list", cmd_list, "list services: usable/total instances", list_specs, WORDS_NONE, NULL},
    {"hosts", cmd_hosts, "list hosts", hosts_specs, WORDS_NONE, NULL},
    {"regions", cmd_regions, "list the other regions that this host reads, and how they are", NULL, WORDS_NONE, NULL},
    {"explain", cmd_explain, "show why an instance is in the answers, or is not", NULL, WORDS_SERVICES_OR_HOSTS, NULL},
    {"check", cmd_check, "pass|warn|fail: say how an instance of this host is", check_specs, WORDS_SERVICES,
     "pass warn fail"},
    {"checks", cmd_checks, "show how the checks of this host's instances stand", NULL, WORDS_SERVICES, NULL},
    {"drain", cmd_drain, "no new calls to instances of this host", override_specs, WORDS_SERVICES, NULL},
    {"undrain", cmd_undrain, "take that back", NULL, WORDS_SERVICES, NULL},
    {"maintenance", cmd_maintenance, "on|off: instances of this host are not to be used", override_specs,
     WORDS_SERVICES, "on off"},
    {"failover", cmd_failover, "auto|off|REGION: which region answers for a service on this host", NULL, WORDS_SERVICES,
     NULL},
    {"reload", cmd_reload, "the daemon reads its configuration again, and tells what became of it", NULL, WORDS_NONE,
     NULL},
    {"leave", cmd_leave, "take this host out of the registry, and stop its daemon", NULL, WORDS_NONE, NULL},
    {"forget", cmd_forget, "delete what a host that is gone has left in the registry", NULL, WORDS_HOSTS, NULL},
    {"status", cmd_status, "show how the daemon of this host is doing", status_specs, WORDS_NONE, NULL},
    {"events", cmd_events, "show what happens in the fleet, as it is told over NATS", events_specs, WORDS_NONE, NULL},
    {"monitor", cmd_monitor, "show the daemon's log as it is written", monitor_specs, WORDS_NONE, NULL},
    {"debug", cmd_debug, "write an archive for a bug report", NULL, WORDS_FILES, NULL},
    {"completion", cmd_completion, "print what completes these commands in a shell", NULL, WORDS_NONE, "bash zsh fish"},
    {NULL, NULL, NULL, NULL, WORDS_NONE, NULL},
};
