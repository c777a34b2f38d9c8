/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Decodes punycode (RFC 3492, section 6.2) only to see whether it is any. */
#include <string.h>

#include <apr_lib.h>

#include "guard_puny.h"

#define LABEL_MAX 63

/* Characters that IDNA maps away, or to ASCII: a label that holds them is some other label. */
static int is_mapped(apr_uint32_t c)
{
    static const apr_uint32_t ranges[][2] = {
        { 0x0080, 0x00b6 }, { 0x00b8, 0x00be }, { 0x034f, 0x034f }, { 0x061c, 0x061c }, { 0x115f, 0x1160 },
        { 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x2000, 0x2bff }, { 0x2e00, 0x2e7f }, { 0x3000, 0x3004 },
        { 0x3164, 0x3164 }, { 0xd800, 0xfa0d }, { 0xfb00, 0xfb06 }, { 0xfe00, 0xfe0f }, { 0xfe10, 0xfe6f },
        { 0xfeff, 0xfeff }, { 0xff00, 0xffff }, { 0x1d400, 0x1d7ff }, { 0x1f100, 0x1f2ff },
        { 0x1fbf0, 0x1fbf9 }, { 0xe0000, 0x10ffff }
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (c >= ranges[i][0] && c <= ranges[i][1]) {
            return 1;
        }
    }
    return 0;
}

static int digit(char c)
{
    return c >= 'a' && c <= 'z' ? c - 'a' : c >= '0' && c <= '9' ? c - '0' + 26 : -1;
}

static apr_uint32_t adapt(apr_uint32_t delta, apr_uint32_t n, int first)
{
    apr_uint32_t k = 0;

    delta = first ? delta / 700 : delta / 2;
    for (delta += delta / n; delta > 455; k += 36) {
        delta /= 35;
    }
    return k + 36 * delta / (delta + 38);
}

int guard_puny_valid(const char *text, apr_size_t len)
{
    apr_uint32_t code = 128, i = 0, bias = 72, count;
    const char *p = text, *end = text + len;
    int first = 1;

    /* ASCII characters of the label come first, up to the last hyphen; a hyphen alone is none. */
    for (const char *q = end; q > text; q--) {
        if (q[-1] == '-') {
            if (q - 1 == text) {
                return 0;
            }
            p = q;
            break;
        }
    }
    count = p > text ? (apr_uint32_t)(p - text - 1) : 0;
    if (p == end) {
        return 0;
    }
    while (p < end) {
        apr_uint32_t before = i, weight = 1;

        for (apr_uint32_t k = 36;; k += 36) {
            apr_uint32_t threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
            int d = p < end ? digit(*p++) : -1;

            if (d < 0 || (apr_uint32_t)d > (APR_UINT32_MAX - i) / weight) {
                return 0;
            }
            i += (apr_uint32_t)d * weight;
            if ((apr_uint32_t)d < threshold) {
                break;
            }
            if (weight > APR_UINT32_MAX / (36 - threshold)) {
                return 0;
            }
            weight *= 36 - threshold;
        }
        count++;
        bias = adapt(i - before, count, first);
        first = 0;
        if (i / count > 0x10ffff - code) {
            return 0;
        }
        code += i / count;
        i = i % count + 1;
        if (count > LABEL_MAX || is_mapped(code)) {
            return 0;
        }
    }
    return 1;
}
