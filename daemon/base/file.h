/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files, whole. Any thread; blocks on the disk, so not for hot paths. All functions return 0 or a negative
 * errno and leave nothing half-done: a reader of a file being written sees the old one or the new one.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads a regular file of at most max bytes; -EFBIG when it is larger; -EISDIR, -EINVAL: some other thing than a
 * file; -EAGAIN: somebody is writing it. *ret_bytes is the caller's to free and has a NUL behind its end.
 */
int file_read(const char *path, size_t max, char **ret_bytes, size_t *ret_n);

/*
 * As file_read, for secrets: -EPERM when the file belongs to another user than root or us, when others may read it
 * or when others than its owner may write it. The group may read: root:discoverd 0640 is how a service gets at it.
 */
int file_read_secret(const char *path, size_t max, char **ret_bytes, size_t *ret_n);

/* What is wrong with the file, and how it must be, by the errno of file_read_secret. Static. */
const char *file_secret_error(int err);

/*
 * Replaces the content of a file, or makes it with this mode: a temporary file beside it, fsync, rename, fsync of
 * the folder. After a power failure it is the old one or the new one. One writer at a time for a path.
 */
int file_write(const char *path, const void *bytes, size_t n, mode_t mode);

/* As file_write, without fsync: the file is whole whenever the process dies, but may be lost in a power failure. */
int file_replace(const char *path, const void *bytes, size_t n, mode_t mode);

#endif
