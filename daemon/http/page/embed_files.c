/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a C source of the files that the daemon serves as they are; runs while it is built.
 *
 *   embed_files page.html page.css SCRIPT.js... SCHEMA.json... >http_files.c
 *
 * The page becomes one file, with the style and the scripts within it; its policy lets a browser run these two, by their hashes,
 * and nothing else.
 */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1 << 20)

struct text {
    char *bytes;
    size_t n;
};

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "embed_files: %s %s\n", what, name);
    exit(EXIT_FAILURE);
}

static struct text read_file(const char *path)
{
    struct text t = {malloc(FILE_MAX), 0};
    FILE *file = fopen(path, "rb");
    if (!file || !t.bytes)
        fail("cannot read", path);
    t.n = fread(t.bytes, 1, FILE_MAX, file);
    if (ferror(file) || t.n == FILE_MAX || fclose(file) != 0)
        fail("cannot read", path);
    return t;
}

/* Puts the text in place of the mark. */
static struct text insert(struct text into, const char *mark, struct text t)
{
    char *at = memmem(into.bytes, into.n, mark, strlen(mark));
    struct text whole = {malloc(into.n + t.n), 0};
    if (!at || !whole.bytes)
        fail("the page has no", mark);
    size_t before = (size_t)(at - into.bytes), after = into.n - before - strlen(mark);
    memcpy(whole.bytes, into.bytes, before);
    memcpy(whole.bytes + before, t.bytes, t.n);
    memcpy(whole.bytes + before + t.n, at + strlen(mark), after);
    whole.n = before + t.n + after;
    free(into.bytes);
    return whole;
}

static void print_hash(struct text t)
{
    unsigned char hash[SHA256_DIGEST_LENGTH], text[64];
    SHA256((const unsigned char *)t.bytes, t.n, hash);
    EVP_EncodeBlock(text, hash, sizeof hash);
    printf("'sha256-%s'", (char *)text);
}

static void print_bytes(int number, struct text t)
{
    printf("static const unsigned char file_%d[] = {", number);
    for (size_t i = 0; i < t.n; i++)
        printf("%s%u,", i % 32 ? "" : "\n", (unsigned char)t.bytes[i]);
    printf("\n};\n");
}

/* Another text has another tag. */
static void print_file(int number, const char *path, const char *type, struct text t, const char *fields)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)t.bytes, t.n, hash);
    printf("    {\"%s\", \"%s\", \"", path, type);
    for (int i = 0; i < 12; i++)
        printf("%02x", hash[i]);
    printf("\", %s, file_%d, sizeof file_%d},\n", fields, number, number);
}

/* "dir/status.schema.json": /v1/schema/status */
static void schema_path(const char *file, char *ret_path, size_t cap)
{
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    snprintf(ret_path, cap, "/v1/schema/%.*s", (int)strcspn(name, "."), name);
}

static bool is_script(const char *file)
{
    size_t n = strlen(file);
    return n > 3 && strcmp(file + n - 3, ".js") == 0;
}

static struct text append(struct text to, struct text t)
{
    char *bytes = realloc(to.bytes, to.n + t.n);
    if (!bytes)
        fail("no memory", "");
    memcpy(bytes + to.n, t.bytes, t.n);
    return (struct text){bytes, to.n + t.n};
}

int main(int argc, char **argv)
{
    if (argc < 4)
        fail("usage:", "page.html page.css SCRIPT... SCHEMA...");
    int first = 3;
    struct text page = read_file(argv[1]), style = read_file(argv[2]), script = read_file(argv[first++]);
    for (; first < argc && is_script(argv[first]); first++)
        script = append(script, read_file(argv[first]));
    page = insert(insert(page, "@STYLE@", style), "@SCRIPT@", script);
    printf("/* Made by embed_files. */\n#include \"daemon/http/http_files.h\"\n\n");
    print_bytes(0, page);
    for (int i = first; i < argc; i++)
        print_bytes(i, read_file(argv[i]));
    printf("static const char page_fields[] =\n    \"Content-Security-Policy: default-src 'none'; connect-src 'self'; "
           "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src ");
    print_hash(script);
    printf("; style-src ");
    print_hash(style);
    printf("\\r\\n\"\n    \"Referrer-Policy: no-referrer\\r\\n\";\n\n");
    printf("const struct http_file http_files[] = {\n");
    print_file(0, "/", "text/html; charset=utf-8", page, "page_fields");
    for (int i = first; i < argc; i++) {
        char path[128];
        schema_path(argv[i], path, sizeof path);
        print_file(i, path, "application/schema+json", read_file(argv[i]), "NULL");
    }
    printf("};\nconst size_t http_files_n = sizeof http_files / sizeof *http_files;\n");
    return ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
