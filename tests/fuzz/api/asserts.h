/* SPDX-License-Identifier: Apache-2.0 */
/* The assertions of unit tests, outside of a test runner: a fuzz target aborts. Before anything that uses
 * them. */
#ifndef FUZZ_ASSERTS_H
#define FUZZ_ASSERTS_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#undef ck_assert
#undef ck_assert_msg
#undef ck_abort_msg
#undef ck_assert_int_eq
#undef ck_assert_int_ne
#undef ck_assert_int_ge
#undef ck_assert_uint_eq
#undef ck_assert_uint_ne
#undef ck_assert_str_eq
#undef ck_assert_ptr_null
#undef ck_assert_ptr_nonnull

#define ck_assert(holds)          ((holds) ? (void)0 : abort())
#define ck_assert_msg(holds, ...) ck_assert(holds)
#define ck_abort_msg(...)         abort()
#define ck_assert_int_eq(a, b)    ck_assert((a) == (b))
#define ck_assert_int_ne(a, b)    ck_assert((a) != (b))
#define ck_assert_int_ge(a, b)    ck_assert((a) >= (b))
#define ck_assert_uint_eq(a, b)   ck_assert((a) == (b))
#define ck_assert_uint_ne(a, b)   ck_assert((a) != (b))
#define ck_assert_str_eq(a, b)    ck_assert(strcmp(a, b) == 0)
#define ck_assert_ptr_null(p)     ck_assert(!(p))
#define ck_assert_ptr_nonnull(p)  ck_assert(p)

#endif
