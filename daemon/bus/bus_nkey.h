/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public half of a user's nkey. nats.c signs with the seed in a file, and wants the public key beside it, which
 * nobody should have to configure as well. Pure but for reading the file.
 */
#ifndef BUS_NKEY_H
#define BUS_NKEY_H

#define NKEY_PUBLIC_CAP 57 /* 56 characters: "U..." */

/*
 * Reads a file with a seed ("SU...", other lines around it do not matter) and works the public key out. Negative
 * errno: of file_read_secret; -EBADMSG: there is no seed of a user in it.
 */
int bus_nkey_public(const char *path, char ret_public[static NKEY_PUBLIC_CAP]);

#endif
