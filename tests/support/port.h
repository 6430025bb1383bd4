/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Free ports on loopback, for UDP and TCP at once. A port stays this process's own until it exits (an abstract
 * socket of its name is the lock), so test programs that run side by side never pick the same one between
 * choosing and using it. They lie below the range the kernel hands out to outgoing connections.
 */
#ifndef SUPPORT_PORT_H
#define SUPPORT_PORT_H

int port_take(void);

#endif
