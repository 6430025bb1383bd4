/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as hexadecimal digits, in small letters alone unless it is said otherwise. Pure; any thread. */
#ifndef CORE_HEX_H
#define CORE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of a digit; -1: it is none. */
static inline int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As hex_value, of capital letters as well. */
static inline int hex_value_of_any_case(char c)
{
    return hex_value(c >= 'A' && c <= 'F' ? (char)(c + 'a' - 'A') : c);
}

/* Reads n bytes out of twice as many digits. False: not all are digits; text need not go on behind the first that is none. */
static inline bool hex_read(const char *text, uint8_t *ret_bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(text[2 * i]), low = high < 0 ? -1 : hex_value(text[2 * i + 1]);
        if (low < 0)
            return false;
        ret_bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Writes n bytes as twice as many digits, with nothing behind them; returns the end. */
static inline char *hex_write(char *to, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    return to;
}

#endif
