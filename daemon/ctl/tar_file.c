/* SPDX-License-Identifier: Apache-2.0 */
/* A tar archive of a few texts. */
#include "daemon/ctl/tar_file.h"

#include <string.h>

#define BLOCK 512

/* IEEE Std 1003.1, pax: "ustar Interchange Format". */
struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, linked[100], magic[6], version[2];
    char owner[32], group[32], major[8], minor[8], prefix[155], unused[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

static void set_checksum(struct header *h)
{
    unsigned sum = 0;
    memset(h->checksum, ' ', sizeof h->checksum);
    for (size_t i = 0; i < sizeof *h; i++)
        sum += ((const unsigned char *)h)[i];
    snprintf(h->checksum, sizeof h->checksum, "%06o", sum); /* and a blank behind the NUL */
}

void tar_add(FILE *out, const char *name, const char *text, size_t n, time_t now)
{
    static const char padding[BLOCK];
    struct header h = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
    snprintf(h.name, sizeof h.name, "%s", name);
    snprintf(h.mode, sizeof h.mode, "%07o", 0600);
    snprintf(h.uid, sizeof h.uid, "%07o", 0);
    snprintf(h.gid, sizeof h.gid, "%07o", 0);
    snprintf(h.size, sizeof h.size, "%011zo", n);
    snprintf(h.mtime, sizeof h.mtime, "%011llo", (unsigned long long)now);
    set_checksum(&h);
    (void)fwrite(&h, 1, sizeof h, out);
    (void)fwrite(text, 1, n, out);
    (void)fwrite(padding, 1, (BLOCK - n % BLOCK) % BLOCK, out);
}

void tar_end(FILE *out)
{
    static const char zeros[2 * BLOCK];
    (void)fwrite(zeros, 1, sizeof zeros, out);
}
