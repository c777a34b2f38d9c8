/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Webhook signatures against the vectors of RFC 4231. */
#include "test_lib.h"
#include "tuor_id.h"

static const char *filled(int c, size_t len)
{
    char *p = apr_palloc(pool, len + 1);

    memset(p, c, len);
    p[len] = '\0';
    return p;
}

static void rfc_4231(void **state)
{
    static const char key4[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19";
    tuor_slice fifty = { filled(0xdd, 50), 50 }, cd = { filled(0xcd, 50), 50 };

    (void)state;
    assert_string_equal(tuor_sign(filled(0x0b, 20), 20, TUOR_SLICE("Hi There"), pool),
        "sha256=b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_string_equal(tuor_sign("Jefe", 4, TUOR_SLICE("what do ya want for nothing?"), pool),
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_string_equal(tuor_sign(filled(0xaa, 20), 20, fifty, pool),
        "sha256=773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    assert_string_equal(tuor_sign(key4, 25, cd, pool),
        "sha256=82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    assert_string_equal(tuor_sign(filled(0xaa, 131), 131, TUOR_SLICE("Test Using Larger Than Block-Size Key - Hash Key First"), pool),
        "sha256=60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_string_equal(tuor_sign(filled(0xaa, 131), 131, TUOR_SLICE("This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm."), pool),
        "sha256=9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void nothing_is_signed_too(void **state)
{
    static const char empty[] = "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";

    (void)state;
    assert_string_equal(tuor_sign("", 0, TUOR_SLICE(""), pool), empty);
    assert_string_equal(tuor_sign(NULL, 0, TUOR_SLICE_NONE, pool), empty);
}

static void every_byte_counts(void **state)
{
    const char *one = tuor_sign("secret", 6, (tuor_slice){ "a\0b", 3 }, pool);

    (void)state;
    assert_int_equal(strlen(one), 7 + 64);
    assert_string_not_equal(one, tuor_sign("secret", 6, (tuor_slice){ "a\0c", 3 }, pool));
    assert_string_not_equal(one, tuor_sign("secret", 6, (tuor_slice){ "a", 1 }, pool));
    assert_string_not_equal(one, tuor_sign("secret\0x", 8, (tuor_slice){ "a\0b", 3 }, pool));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rfc_4231),
        TEST(nothing_is_signed_too),
        TEST(every_byte_counts),
    };

    return run_group(tests, COUNT(tests), "sign");
}
