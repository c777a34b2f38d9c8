/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * For ThreadSanitizer (configure --enable-tsan): APR's atomics, loaded before libapr and built with the sanitizer.
 *
 * httpd and libapr are not, so that it would not see what orders their threads: the event MPM hands pools and
 * connections from one to the next through lists that these guard.
 */
#include <apr_atomic.h>

#define ATOMICS(bits, type) \
    type apr_atomic_read##bits(volatile type *mem) { return __atomic_load_n(mem, __ATOMIC_SEQ_CST); } \
    void apr_atomic_set##bits(volatile type *mem, type value) { __atomic_store_n(mem, value, __ATOMIC_SEQ_CST); } \
    type apr_atomic_add##bits(volatile type *mem, type value) { return __atomic_fetch_add(mem, value, __ATOMIC_SEQ_CST); } \
    void apr_atomic_sub##bits(volatile type *mem, type value) { __atomic_fetch_sub(mem, value, __ATOMIC_SEQ_CST); } \
    type apr_atomic_inc##bits(volatile type *mem) { return __atomic_fetch_add(mem, 1, __ATOMIC_SEQ_CST); } \
    int apr_atomic_dec##bits(volatile type *mem) { return __atomic_sub_fetch(mem, 1, __ATOMIC_SEQ_CST) != 0; } \
    type apr_atomic_xchg##bits(volatile type *mem, type value) { return __atomic_exchange_n(mem, value, __ATOMIC_SEQ_CST); } \
    type apr_atomic_cas##bits(volatile type *mem, type with, type cmp) \
    { \
        __atomic_compare_exchange_n(mem, &cmp, with, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
        return cmp; \
    }

ATOMICS(32, apr_uint32_t)
ATOMICS(64, apr_uint64_t)

void *apr_atomic_casptr(volatile void **mem, void *with, const void *cmp)
{
    void *was = (void *)cmp;

    __atomic_compare_exchange_n((void *volatile *)mem, &was, with, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return was;
}

void *apr_atomic_xchgptr(volatile void **mem, void *with)
{
    return __atomic_exchange_n((void *volatile *)mem, with, __ATOMIC_SEQ_CST);
}
