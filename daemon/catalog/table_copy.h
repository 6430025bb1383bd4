/* SPDX-License-Identifier: Apache-2.0 */
/* What is under one key, under another as well. Main thread only. */
#ifndef CATALOG_TABLE_COPY_H
#define CATALOG_TABLE_COPY_H

#include "daemon/catalog/table_writer.h"

/*
 * Publishes the service's block under `from` as the one under `to`, in one piece, however large it is. view: the caller's, to
 * be used again and again. As table_writer_put; -ENOENT: there is none.
 */
int table_copy_service(struct table_writer *w, const char *from, const char *to, struct table_view *view);

/* Makes a view of "shop/payment@b" one of "shop/payment". */
void table_copy_forget_region(struct table_view *view);

#endif
