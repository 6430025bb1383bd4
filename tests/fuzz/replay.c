/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of a folder: what was ever found stays found. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return 1;
    }
    size_t cap = 1 << 22;
    uint8_t *buffer = malloc(cap);
    size_t n = buffer ? fread(buffer, 1, cap, f) : 0;
    fclose(f);
    uint8_t *bytes = malloc(n ? n : 1); /* of exactly this size, so that the sanitizer sees one byte too far */
    if (buffer && bytes) {
        memcpy(bytes, buffer, n);
        (void)LLVMFuzzerTestOneInput(bytes, n);
    }
    free(bytes);
    free(buffer);
    return 0;
}

int main(int argc, char **argv)
{
    char path[4096];
    int failed = 0, files = 0;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir) {
        fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    for (struct dirent *entry; (entry = readdir(dir)); files++) {
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (entry->d_name[0] != '.')
            failed |= replay(path);
    }
    closedir(dir);
    return failed || files <= 2; /* an empty corpus tests nothing */
}
