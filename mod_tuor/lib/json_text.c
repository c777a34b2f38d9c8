/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What strings, keys and integers mean. Everything here takes text that the scanner has passed.
 */
#include <apr_errno.h>
#include <apr_strings.h>

#include "json_lex.h"

static int has_escape(tuor_slice s)
{
    return s.len > 0 && memchr(s.p, '\\', s.len) != NULL;
}

static apr_uint32_t hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (apr_uint32_t)(c - '0');
    return (apr_uint32_t)((c | 0x20) - 'a' + 10) & 15;
}

/* The four digits of a \u whose backslash is at p, or -1 when there is no such escape. */
static apr_int32_t code_unit(const char *p, const char *end)
{
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    return (apr_int32_t)(hex_digit(p[2]) << 12 | hex_digit(p[3]) << 8
                         | hex_digit(p[4]) << 4 | hex_digit(p[5]));
}

static apr_uint32_t escaped(const char **pp, const char *end)
{
    const char *p = *pp;
    apr_int32_t high = code_unit(p, end), low;

    if (high < 0) {
        char c = end - p >= 2 ? p[1] : '\\';

        *pp = end - p >= 2 ? p + 2 : end;
        switch (c) {
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        }
        return (unsigned char)c;
    }
    *pp = p += 6;
    if (high < 0xD800 || high > 0xDBFF)
        return (apr_uint32_t)high;
    low = code_unit(p, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return (apr_uint32_t)high;
    *pp = p + 6;
    return 0x10000 + (((apr_uint32_t)high - 0xD800) << 10) + ((apr_uint32_t)low - 0xDC00);
}

apr_uint32_t tuor_json_code_point(const char **pp, const char *end)
{
    const char *p = *pp;
    apr_uint32_t c = (unsigned char)*p;
    int tails = c < 0xC0 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;

    if (c == '\\')
        return escaped(pp, end);
    ++p;
    if (tails)
        c &= 0x3Fu >> tails;
    for (; tails > 0 && p < end; --tails)
        c = c << 6 | ((unsigned char)*p++ & 0x3F);
    *pp = p;
    return c;
}

char *tuor_json_put_utf8(char *out, apr_uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
    }
    else {
        if (c < 0x10000) {
            *out++ = (char)(0xE0 | c >> 12);
        }
        else {
            *out++ = (char)(0xF0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (c & 0x3F));
    return out;
}

/*
 * Decode into out, which has room for text.len bytes: no escape is shorter than what it stands for.
 * @param lone set to 1 when there is a lone surrogate
 */
static char *decode_into(char *out, tuor_slice text, int *lone)
{
    const char *p = text.p, *end = p + text.len;

    while (p < end) {
        const char *slash = memchr(p, '\\', (apr_size_t)(end - p));
        apr_size_t plain = (apr_size_t)((slash ? slash : end) - p);
        apr_uint32_t c;

        memcpy(out, p, plain);
        out += plain;
        if (!slash)
            break;
        p = slash;
        c = escaped(&p, end);
        *lone |= c >= 0xD800 && c <= 0xDFFF;
        out = tuor_json_put_utf8(out, c);
    }
    return out;
}

tuor_slice tuor_json_plain(tuor_slice text, apr_pool_t *pool)
{
    int lone = 0;
    char *buf;

    if (!has_escape(text))
        return text;
    buf = apr_palloc(pool, text.len);
    return (tuor_slice){ buf, (apr_size_t)(decode_into(buf, text, &lone) - buf) };
}

apr_status_t tuor_json_decode(const char **out, apr_size_t *len, tuor_slice text, int quoted,
                              apr_pool_t *pool)
{
    int lone = 0;
    char *buf, *end;

    *out = NULL;
    *len = 0;
    if (!text.p || (quoted && text.len < 2))
        return APR_EINVAL;
    if (quoted) {
        ++text.p;
        text.len -= 2;
    }
    buf = apr_palloc(pool, text.len + 1);
    end = decode_into(buf, text, &lone);
    if (lone)
        return APR_EINVAL;
    *end = '\0';
    *out = buf;
    *len = (apr_size_t)(end - buf);
    return APR_SUCCESS;
}

int tuor_json_key_is(tuor_slice key, const char *name)
{
    const char *p = key.p, *end;

    if (!p)
        return 0;
    for (end = p + key.len; p < end && *p != '\\'; ++p, ++name)
        if (*p != *name || *name == '\0')
            return 0;
    while (p < end) {                           /* from the first escape on */
        char utf8[4];
        apr_size_t n = (apr_size_t)(tuor_json_put_utf8(utf8, tuor_json_code_point(&p, end)) - utf8);

        if (utf8[0] == '\0' || strncmp(name, utf8, n) != 0)
            return 0;
        name += n;
    }
    return *name == '\0';
}

int tuor_json_same_text(tuor_slice a, tuor_slice b)
{
    const char *p = a.p, *end, *q = b.p, *qend;

    if (a.len == b.len && (a.len == 0 || memcmp(p, q, a.len) == 0))
        return 1;
    if (a.len == 0 || b.len == 0 || (!has_escape(a) && !has_escape(b)))
        return 0;
    end = p + a.len;
    qend = q + b.len;
    while (p < end && q < qend)
        if (tuor_json_code_point(&p, end) != tuor_json_code_point(&q, qend))
            return 0;
    return p == end && q == qend;
}

apr_status_t tuor_json_int(apr_int64_t *out, tuor_slice value)
{
    apr_size_t i = value.len > 0 && value.p[0] == '-';
    int negative = i == 1;
    apr_uint64_t limit = (apr_uint64_t)APR_INT64_MAX + (negative ? 1 : 0), n = 0;

    if (i == value.len)
        return APR_EINVAL;
    for (; i < value.len; ++i) {
        unsigned digit = (unsigned char)value.p[i] - (unsigned)'0';

        if (digit > 9 || n > (limit - digit) / 10)
            return APR_EINVAL;
        n = n * 10 + digit;
    }
    *out = negative ? (apr_int64_t)(0 - n) : (apr_int64_t)n;
    return APR_SUCCESS;
}
