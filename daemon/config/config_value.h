/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of values a configuration key can have: what they look like, how they are checked, and how they are kept.
 * Everything comes in as text, whether it was written in a file, is a default of the table or was set by
 * config_set, so there is one set of rules. Pure; any thread.
 */
#ifndef CONFIG_CONFIG_VALUE_H
#define CONFIG_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/config/config.h"

enum value_kind {
    /* Kept as char *, or in a struct string_list. */
    VALUE_LABEL,    /* "web-1" */
    VALUE_MACHINE,  /* the same, of a machine, which may have a longer one elsewhere */
    VALUE_TAG,      /* free text */
    VALUE_SERVICE,  /* "shop/payment" */
    VALUE_PATTERN,  /* "shop/pay*": of services */
    VALUE_TOKEN,    /* "KV_1" */
    VALUE_TEXT,     /* printable */
    VALUE_PATH,     /* "/var/lib/discoverd" */
    VALUE_NATS_URL, /* "nats://10.0.0.1:4222" */
    VALUE_HTTP_URL, /* "http://127.0.0.1:8080/healthz" */
    VALUE_HEADER,   /* "Accept: text/plain" */
    VALUE_RATIO,    /* "0.01": 0 to 1 */
    VALUE_CODES,    /* "200-299" */
    VALUE_METHOD,   /* "HEAD" */
    VALUE_GRPC,     /* "127.0.0.1:50051/shop.Payment" */
    VALUE_ARGUMENT, /* printable; of a command, so that one may stand twice in a list */
    VALUE_UNIT,     /* "payment.service" */
    VALUE_PROCESS,  /* "4711" or "/run/payment.pid" */
    VALUE_HOST,     /* "db.example.com" */
    VALUE_ENDPOINT, /* "127.0.0.1:8053" */
    VALUE_TARGET,   /* "db.example.com:5432" */
    VALUE_OWN,      /* "10.0.1.22", "%eth1" or "10.0.0.0/8": of this machine */
    VALUE_ADDRESS,  /* "10.0.1.22" or "db.example.com" */
    VALUE_NETWORK,  /* "10.0.0.0/8" */
    VALUE_ZONE,     /* "discover.internal" */
    /* Kept as uint32_t. */
    VALUE_NUMBER,
    VALUE_LEVEL,    /* "info" */
    VALUE_PROTOCOL, /* "tcp" */
    VALUE_ON_STOP,  /* "keep" */
    VALUE_INITIAL,  /* "passing" */
    /* Kept as int64_t. */
    VALUE_DURATION, /* "500ms" */
    VALUE_SECONDS,  /* "5s", nothing finer */
    /* Kept as bool. */
    VALUE_BOOLEAN,
    /* Not kept by the table: whoever reads the file takes them. */
    VALUE_BLOCKS, /* ( { ... }, { ... } ) */
    VALUE_PAIRS,  /* { key = "value"; ... } */
};

/* One row of a table of keys. */
struct config_key {
    const char *path; /* within its structure: "dns.listen" */
    enum value_kind kind;
    bool reloadable;   /* takes effect at SIGHUP */
    uint8_t items_max; /* not 0: a list of so many at most */
    uint8_t items_min;
    size_t offset;      /* in the structure */
    const char *preset; /* the default as text, elements of a list separated by blanks; NULL: must be given */
    int64_t min, max;   /* of a number or a duration in ns; of a text its length (min 0: may be empty) */
    const char *help;
};

/* How a value is written in a file. */
enum value_form { FORM_TEXT, FORM_NUMBER, FORM_BOOLEAN, FORM_BLOCKS, FORM_PAIRS };
enum value_form value_form(enum value_kind kind);

/* "duration", "list of names"; for people. */
void value_kind_text(const struct config_key *key, char ret_text[static 64]);

/* "1..64", "100ms..1h", "at most 16"; "" when there is nothing to say. */
void value_range_text(const struct config_key *key, char ret_text[static 64]);

/* Writes the reason; returns -EINVAL. */
int value_refuse(char ret_why[static CONFIG_WHY_CAP], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets one value. base: the structure. -EINVAL with the reason, and nothing has changed; -ENOMEM. Not for lists. */
int value_set(const struct config_key *key, const char *text, void *base, char ret_why[static CONFIG_WHY_CAP]);

/* Checks text as an element and appends it, into a list that is not part of a structure yet. As value_set. */
int value_append(const struct config_key *key, const char *text, struct string_list *list,
                 char ret_why[static CONFIG_WHY_CAP]);

/* Replaces the list of the structure by this one, which is empty then. -EINVAL: too few elements. */
int value_set_list(const struct config_key *key, struct string_list *list, void *base,
                   char ret_why[static CONFIG_WHY_CAP]);

/* Sets a value or a whole list from text. As value_set. */
int value_set_any(const struct config_key *key, const char *text, void *base, char ret_why[static CONFIG_WHY_CAP]);

/*
 * Takes a value where keys stand line by line: those of a list are added to it, in the place of its preset; again: the
 * key stood there before, which only a list may. As value_set.
 */
int value_take(const struct config_key *key, const char *text, bool again, void *base,
               char ret_why[static CONFIG_WHY_CAP]);

/* Sets a value to its preset, which is "" for a text that must be given. -ENOMEM. */
int value_preset(const struct config_key *key, void *base);

/* A value that is no list, as text that value_set takes. -EMSGSIZE. */
int value_format(const struct config_key *key, const void *base, char *ret_text, size_t cap);
/* Prints it as it is written in a file. */
void value_print(const struct config_key *key, const void *base, FILE *out);

void value_fini(const struct config_key *key, void *base);
void value_exchange(const struct config_key *key, void *a, void *b);
bool value_equal(const struct config_key *key, const void *a, const void *b);

#endif
