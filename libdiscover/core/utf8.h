/* SPDX-License-Identifier: Apache-2.0 */
/* Characters of a text that somebody else has written, and that people are shown. Pure; any bytes. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The length of the UTF-8 character (RFC 3629 section 3) that n > 0 bytes begin with. 0: it is none, is not whole, or is a control
 * character, with which a terminal would do something; also one of those beyond ASCII (U+0080 to U+009F).
 */
static inline size_t utf8_length(const uint8_t *s, size_t n)
{
    if (s[0] < 0x80)
        return s[0] >= 0x20 && s[0] != 0x7f;
    size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    bool beyond = s[0] == 0xf4 && s[1] > 0x8f;
    bool c1_control = s[0] == 0xc2 && s[1] < 0xa0;
    return overlong || surrogate || beyond || c1_control ? 0 : length;
}

/* Whether all n bytes are such characters. */
static inline bool utf8_is_text(const char *text, size_t n)
{
    const uint8_t *s = (const uint8_t *)text, *end = s + n;
    size_t length = 1;
    for (; s < end && length > 0; s += length)
        length = utf8_length(s, (size_t)(end - s));
    return length > 0;
}

#endif
