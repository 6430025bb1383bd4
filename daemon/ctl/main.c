/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl: the program. All of it is in ctl.c and the subcommands, where tests can reach it. */
#include "daemon/ctl/ctl.h"

int main(int argc, char **argv)
{
    return ctl_main(argc, argv);
}
