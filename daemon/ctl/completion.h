/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts that complete discoverctl's words in a shell, made from the table of its commands. */
#ifndef CTL_COMPLETION_H
#define CTL_COMPLETION_H

#include <stdio.h>

/* shell: "bash", "zsh", "fish". -EINVAL: no other. */
int completion_print(const char *shell, FILE *out);

#endif
