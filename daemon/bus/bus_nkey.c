/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An encoded key is base32 (RFC 4648, without padding) of: prefix, 32 bytes, CRC-16/XMODEM in little endian. The
 * prefix of a seed is one and a half bytes: "this is a seed", and whose.
 */
#include "daemon/bus/bus_nkey.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/file.h"

#define PREFIX_SEED (18 << 3)
#define PREFIX_USER (20 << 3)
#define KEY_BYTES   32
#define SEED_CHARS  58
#define SEED_RAW    (2 + KEY_BYTES + 2)
#define PUBLIC_RAW  (1 + KEY_BYTES + 2)
#define FILE_MAX    8192

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* The bits left over at the end must not be more than a character's. */
static int decode(const char *text, size_t n, uint8_t *ret_raw)
{
    uint32_t bits = 0, n_bits = 0;
    for (size_t i = 0; i < n; i++) {
        const char *p = text[i] ? strchr(base32, text[i]) : NULL;
        if (!p)
            return -EINVAL;
        bits = bits << 5 | (uint32_t)(p - base32);
        n_bits += 5;
        if (n_bits >= 8) {
            n_bits -= 8;
            *ret_raw++ = (uint8_t)(bits >> n_bits);
        }
    }
    return 0;
}

static void encode(const uint8_t *raw, size_t n, char *ret_text)
{
    uint32_t bits = 0, n_bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | raw[i];
        for (n_bits += 8; n_bits >= 5; n_bits -= 5)
            *ret_text++ = base32[bits >> (n_bits - 5) & 31];
    }
    if (n_bits > 0)
        *ret_text++ = base32[bits << (5 - n_bits) & 31];
    *ret_text = '\0';
}

static uint16_t crc16(const uint8_t *bytes, size_t n)
{
    uint16_t crc = 0;
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint16_t)(bytes[i] << 8);
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

static int public_key(const uint8_t seed[static KEY_BYTES], uint8_t ret_key[static KEY_BYTES])
{
    size_t n = KEY_BYTES;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, KEY_BYTES);
    int ok = key && EVP_PKEY_get_raw_public_key(key, ret_key, &n) == 1 && n == KEY_BYTES;
    EVP_PKEY_free(key);
    return ok ? 0 : -EINVAL;
}

static int of_seed(const char *seed, char ret_public[static NKEY_PUBLIC_CAP])
{
    uint8_t raw[SEED_RAW + 1], key[PUBLIC_RAW] = {PREFIX_USER};
    if (strlen(seed) != SEED_CHARS || decode(seed, SEED_CHARS, raw) < 0)
        return -EINVAL;
    uint16_t crc = (uint16_t)(raw[SEED_RAW - 2] | raw[SEED_RAW - 1] << 8);
    bool of_user = (raw[0] & 0xf8) == PREFIX_SEED && (uint8_t)(raw[0] << 5 | raw[1] >> 3) == PREFIX_USER;
    int err = of_user && crc == crc16(raw, SEED_RAW - 2) ? public_key(raw + 2, key + 1) : -EINVAL;
    explicit_bzero(raw, sizeof raw);
    if (err < 0)
        return err;
    crc = crc16(key, PUBLIC_RAW - 2);
    key[PUBLIC_RAW - 2] = (uint8_t)crc;
    key[PUBLIC_RAW - 1] = (uint8_t)(crc >> 8);
    encode(key, PUBLIC_RAW, ret_public);
    return 0;
}

static int of_text(const char *text, char ret_public[static NKEY_PUBLIC_CAP])
{
    for (const char *p = strstr(text, "SU"); p; p = strstr(p + 1, "SU")) {
        char seed[SEED_CHARS + 1] = {0};
        memcpy(seed, p, strnlen(p, SEED_CHARS));
        int err = strspn(p, base32) == SEED_CHARS ? of_seed(seed, ret_public) : -EINVAL;
        explicit_bzero(seed, sizeof seed);
        if (err == 0)
            return 0;
    }
    return -EINVAL;
}

int bus_nkey_public(const char *path, char ret_public[static NKEY_PUBLIC_CAP])
{
    char *text;
    size_t n;
    int err = file_read_secret(path, FILE_MAX, &text, &n);
    if (err < 0)
        return err;
    err = of_text(text, ret_public) < 0 ? -EBADMSG : 0;
    explicit_bzero(text, n);
    free(text);
    return err;
}
