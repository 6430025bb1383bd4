/* SPDX-License-Identifier: Apache-2.0 */
/* Takes values out of JSON documents, and prints them as words. One thread. */
#ifndef CTL_DOCUMENT_WORDS_H
#define CTL_DOCUMENT_WORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What stands under a key; "", 0 and false where nothing does. */
const char *text_of(const json_t *object, const char *key);
int64_t number_of(const json_t *object, const char *key);
double seconds_of(const json_t *object, const char *key); /* what stands there in milliseconds */
bool is_true(const json_t *object, const char *key);
bool has(const json_t *object, const char *key);

/* "0.4 s", "12 s", "3 m 20 s", "5 h 2 m", "3 d 4 h"; "1 instance", "2 instances". Static, four at a time. */
const char *duration(int64_t ms);
const char *count(int64_t n, const char *what);

/* "      lease    ...": what a line is about, and what it says, broken where the terminal ends. */
void line(FILE *out, const char *about, const char *format, ...) __attribute__((format(printf, 3, 4)));
void heading(FILE *out, const char *text);

/* "10.0.1.22:80", or what else an instance has: "[2001:db8::1]:80", "db.example.com:80". */
void print_address(const json_t *instance, FILE *out);

/* Prints each element of a list, if there are any below a heading (NULL: without one). */
void print_each(const json_t *document, const char *list, const char *title,
                void (*print)(const json_t *one, FILE *out), FILE *out);

#endif
