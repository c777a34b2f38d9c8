/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What recurring corrections teach: every kind, what contradicts, and the section of the prompt. */
#include "test_lib.h"
#include "tuor_diff.h"
#include "tuor_lesson.h"

static apr_array_header_t *cases;

static const char *json(const char *s)
{
    char *copy = apr_pstrdup(pool, s);

    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    return copy;
}

/* Add a correction; ' stands for ". */
static tuor_lesson_case *correct(const char *from, const char *to)
{
    tuor_lesson_case *c;
    tuor_buf diff;

    if (!cases || cases->pool != pool)
        cases = apr_array_make(pool, 8, sizeof(tuor_lesson_case));
    c = apr_array_push(cases);
    memset(c, 0, sizeof(*c));
    c->event_id = apr_psprintf(pool, "evt_%d", cases->nelts);
    c->output = slice(json(from));
    c->corrected = slice(json(to));
    tuor_buf_init(&diff, pool);
    tuor_diff(&diff, c->output, c->corrected, pool);
    c->diff = slice(tuor_buf_text(&diff));
    return c;
}

static int begin(void **state)
{
    cases = NULL;
    return new_pool(state);
}

static apr_array_header_t *lessons(void)
{
    return tuor_lessons_find(cases ? cases : apr_array_make(pool, 1, sizeof(tuor_lesson_case)), pool);
}

static const char *words(int i)
{
    apr_array_header_t *found = lessons();
    tuor_buf b;

    if (i >= found->nelts)
        return "";
    tuor_buf_init(&b, pool);
    tuor_lesson_write(&b, APR_ARRAY_IDX(found, i, tuor_lesson *));
    return tuor_buf_text(&b);
}

typedef struct example {
    const char *from[2], *to[2];        /* the values of x in two corrections; "" is an absent key */
    const char *words;
} example;

static const char *object(const char *x)
{
    return *x ? apr_pstrcat(pool, "{'x':", x, "}", NULL) : "{}";
}

static void check(const example *e)
{
    cases = NULL;
    for (int i = 0; i < 2; i++)
        correct(object(e->from[i]), object(e->to[i]));
    assert_string_equal(words(0), json(e->words));
    assert_int_equal(APR_ARRAY_IDX(lessons(), 0, tuor_lesson *)->count, 2);
}

static void each_kind(void **state)
{
    static const example examples[] = {
        { { "'1 March 2024'", "'15 May 2024'" }, { "'2024-03-01'", "'2024-05-15'" },
          "`x`: write dates as YYYY-MM-DD. For example '2024-03-01', not '1 March 2024'; '2024-05-15', not '15 May 2024'." },
        { { "'03/04/2024'", "'Apr 5, 2024'" }, { "'2024-04-03'", "'2024-04-05'" },
          "`x`: write dates as YYYY-MM-DD. In a date such as 03/04/2024 the day comes first."
          " For example '2024-04-03', not '03/04/2024'; '2024-04-05', not 'Apr 5, 2024'." },
        { { "'03/04/2024'", "'12/31/2024'" }, { "'2024-03-04'", "'2024-12-31'" },
          "`x`: write dates as YYYY-MM-DD. In a date such as 03/04/2024 the month comes first."
          " For example '2024-03-04', not '03/04/2024'; '2024-12-31', not '12/31/2024'." },
        { { "'2024-03-01'", "'2024-05-15'" }, { "'01.03.2024'", "'15.05.2024'" },
          "`x`: write dates as DD.MM.YYYY. For example '01.03.2024', not '2024-03-01'; '15.05.2024', not '2024-05-15'." },
        { { "'2024-03-04'", "'2024-01-02'" }, { "'2024-04-03'", "'2024-02-01'" },
          "`x`: do not swap day and month. For example '2024-04-03', not '2024-03-04'; '2024-02-01', not '2024-01-02'." },
        { { "'1,250.45'", "'80'" }, { "1250.45", "80" },
          "`x`: write a JSON number, without quotes and thousands separators. For example 1250.45, not '1,250.45'; 80, not '80'." },
        { { "117", "118" }, { "'117'", "'118'" },
          "`x`: write a JSON string, in quotes. For example '117', not 117; '118', not 118." },
        { { "'EUR 1.250,45'", "'$80.00'" }, { "1250.45", "80" },
          "`x`: give the amount alone, as a JSON number without unit or currency."
          " For example 1250.45, not 'EUR 1.250,45'; 80, not '$80.00'." },
        { { "'5 kg'", "'7kg'" }, { "'5'", "'7'" },
          "`x`: give the amount alone, as a JSON string without unit or currency. For example '5', not '5 kg'; '7', not '7kg'." },
        { { "'5'", "12.5" }, { "'5 kg'", "'12.5 kg'" },
          "`x`: add the unit kg. For example '5 kg', not '5'; '12.5 kg', not 12.5." },
        { { "'5'", "'7'" }, { "'5 kg'", "'7 lb'" },
          "`x`: add the unit or currency. For example '5 kg', not '5'; '7 lb', not '7'." },
        { { "'1,250.45'", "'2,000.00'" }, { "'1250.45'", "'2000.00'" },
          "`x`: write numbers in the form 1234.56. For example '1250.45', not '1,250.45'; '2000.00', not '2,000.00'." },
        { { "'1.250,45'", "'2.000,00'" }, { "'1,250.45'", "'2,000.00'" },
          "`x`: write numbers in the form 1,234.56. For example '1,250.45', not '1.250,45'; '2,000.00', not '2.000,00'." },
        { { "1.5", "2" }, { "1.50", "2.00" },
          "`x`: give numbers with 2 decimals. For example 1.50, not 1.5; 2.00, not 2." },
        { { "250", "1200" }, { "250000", "1200000" },
          "`x`: mind the scale: answers came out 1000 times too small. For example 250000, not 250; 1200000, not 1200." },
        { { "500", "'(20)'" }, { "-500", "'20'" }, "`x`: mind the sign: plus and minus were mixed up."
          " For example -500, not 500; '20', not '(20)'." },
        { { "'eur'", "'usd'" }, { "'EUR'", "'USD'" },
          "`x`: write it in upper case. For example 'EUR', not 'eur'; 'USD', not 'usd'." },
        { { "'EXAMPLE GMBH'", "'anna smith'" }, { "'Example Gmbh'", "'Anna Smith'" },
          "`x`: write it in small letters with a capital at the start of each word."
          " For example 'Example Gmbh', not 'EXAMPLE GMBH'; 'Anna Smith', not 'anna smith'." },
        { { "' a  b '", "'c\\n'" }, { "'a b'", "'c'" },
          "`x`: strip white space at both ends, and put single spaces between words. For example 'a b', not ' a  b '; 'c', not 'c\\n'." },
        { { "'INV-117'", "'INV-118'" }, { "'117'", "'118'" },
          "`x`: wording: leave out 'INV-'. For example '117', not 'INV-117'; '118', not 'INV-118'." },
        { { "'the colour red'", "'a colour'" }, { "'the color red'", "'a color'" },
          "`x`: wording: write 'color' instead of 'colour'. For example 'the color red', not 'the colour red'; 'a color', not 'a colour'." },
        { { "'question'", "'question'" }, { "'complaint'", "'complaint'" },
          "`x`: choose with care: reviewers changed 'question' to 'complaint' 2 times; consider 'complaint' before you answer 'question'." },
        { { "'Acme'", "'Exmpl'" }, { "'Example'", "'Example'" }, "`x`: the right value was 'Example' in each of 2 corrections." },
        { { "'N/A'", "'N/A'" }, { "null", "null" },
          "`x`: answer null where the input gives no value, rather than 'N/A'. For example null, not 'N/A'." },
        { { "'N/A'", "'Hamburg'" }, { "null", "null" },
          "`x`: answer null where the input gives no value, rather than a guess. For example null, not 'N/A'; null, not 'Hamburg'." },
        { { "null", "''" }, { "'DE1'", "'DE2'" },
          "`x`: look for it in the input: it was left empty where there is a value. For example 'DE1', not null; 'DE2', not ''." },
        { { "", "" }, { "null", "null" }, "`x`: include the key with null where there is no value, rather than leaving it out." },
        { { "null", "null" }, { "", "" }, "`x`: omit the key where there is no value, rather than answering null." },
        { { "", "" }, { "0.19", "0.07" }, "`x`: always include this key. For example 0.19; 0.07." },
        { { "'sure'", "'maybe'" }, { "", "" }, "`x`: do not include this key." },
        { { "'yes'", "'no'" }, { "true", "false" }, "`x`: answer true or false, without quotes. For example true, not 'yes'; false, not 'no'." },
        { { "'a'", "'b, c'" }, { "['a']", "['b','c']" }, "`x`: must be a JSON array. For example ['a'], not 'a'; ['b','c'], not 'b, c'." },
        { { "7", "12" }, { "8", "31" }, "`x`: check it against the input: reviewers corrected it 2 times. For example 8, not 7; 31, not 12." },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++)
        check(&examples[i]);
}

static void renamed_keys(void **state)
{
    (void)state;
    correct("{'a':{'number':'1','b':2}}", "{'a':{'no':'1','b':2}}");
    correct("{'a':{'number':'3','b':2}}", "{'a':{'no':'3','b':2}}");
    assert_string_equal(words(0), "`a.number`: call this key `a.no`.");
    assert_int_equal(lessons()->nelts, 1);
}

static void indices_are_one_field(void **state)
{
    (void)state;
    correct("{'items':[{'p':'1 EUR'},{'p':'2 EUR'}]}", "{'items':[{'p':1},{'p':2}]}");
    assert_int_equal(APR_ARRAY_IDX(lessons(), 0, tuor_lesson *)->count, 1);
    correct("{'items':[{'p':1},{'p':2},{'p':'3 EUR'}]}", "{'items':[{'p':1},{'p':2},{'p':3}]}");
    assert_int_equal(APR_ARRAY_IDX(lessons(), 0, tuor_lesson *)->count, 2);
    assert_string_equal(APR_ARRAY_IDX(lessons(), 0, tuor_lesson *)->path, "items[].p");
    assert_string_equal(tuor_lesson_path("a[\"b[1]\\\"\"][12].c", pool), "a[\"b[1]\\\"\"][].c");
    assert_string_equal(tuor_lesson_path("a\nb", pool), "a b");
}

static void null_is_told_from_absent_anywhere(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        correct("{'a':[{'b.c':null},{}],'d':{'e':null}}", "{'a':[{'b.c':1},{'f':1}],'d':{}}");
    assert_int_equal(lessons()->nelts, 3);
    assert_int_equal(APR_ARRAY_IDX(lessons(), 0, tuor_lesson *)->kind, TUOR_LESSON_KEY_ADDED);
    assert_int_equal(APR_ARRAY_IDX(lessons(), 1, tuor_lesson *)->kind, TUOR_LESSON_FILLED);
    assert_int_equal(APR_ARRAY_IDX(lessons(), 2, tuor_lesson *)->kind, TUOR_LESSON_NULL_DROPPED);
}

static void labels_show_their_input(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        correct("{'label':'question'}", "{'label':'complaint'}")->input = "Where is my \"order\"?";
    correct("{'label':'complaint'}", "{'label':'question'}");
    assert_string_equal(words(0), json("`label`: choose with care: reviewers changed 'question' to 'complaint' 2 times and back 1 time;"
                                       " tell the two apart. For example 'complaint' for the input 'Where is my \\'order\\'?'."));
    assert_int_equal(lessons()->nelts, 1);
}

static void the_most_frequent_comes_first_and_contradictions_go(void **state)
{
    apr_array_header_t *found;

    (void)state;
    correct("{'a':'x1','c':'eur','n':'1 EUR'}", "{'a':'X1','c':'EUR','n':1}");
    correct("{'c':'usd','n':'2 EUR'}", "{'c':'USD','n':2}");
    correct("{'c':'GBP','n':'3 EUR'}", "{'c':'gbp','n':3}");
    correct("{'k':1}", "{}");
    correct("{}", "{'k':2}");
    correct("{'k':3}", "{}");
    correct("{}", "{'k':4}");
    found = lessons();
    assert_int_equal(found->nelts, 3);          /* n, c in upper case, a once; k is a draw */
    assert_string_equal(APR_ARRAY_IDX(found, 0, tuor_lesson *)->path, "n");
    assert_string_equal(APR_ARRAY_IDX(found, 1, tuor_lesson *)->detail, "upper case");
    assert_int_equal(APR_ARRAY_IDX(found, 1, tuor_lesson *)->events->nelts, 2);
    assert_int_equal(APR_ARRAY_IDX(found, 2, tuor_lesson *)->count, 1);
}

static void what_looks_alike_and_is_not(void **state)
{
    static const char *const pairs[][2] = {
        { "'2024-03-01'", "'2024-03-02'" }, { "'32/01/2024'", "'2024-01-32'" }, { "'INV-5'", "'-5'" }, { "'a'", "'b'" },
        { "'1.2.3'", "'123'" }, { "'12:30'", "'1230'" }, { "'5 March 2024'", "'05 Mar 2024'" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const tuor_lesson *l;

        cases = NULL;
        correct(object(pairs[i][0]), object(pairs[i][1]));
        l = APR_ARRAY_IDX(lessons(), 0, tuor_lesson *);
        assert_int_equal(l->kind, TUOR_LESSON_OTHER);
    }
}

static void odd_values(void **state)
{
    (void)state;
    correct("{'\\u0000':'\\u0000','s':'\\ud800','':1,'e':{},'d':1,'d':2}", "{'\\u0000':'x\\u0000','s':'ok','':2,'e':[],'d':3}");
    correct("{'n':1e400,'m':12345678901234567890123456789012345678901234567890}",
            "{'n':2e400,'m':1234567890123456789012345678901234567890123456789}");
    lessons();
    correct("{}", "{}")->diff = TUOR_SLICE_NONE;
    correct("{}", "{}")->diff = TUOR_SLICE("[{\"from\":1},{\"path\":7},3,{\"path\":\"x[9999999999].\",\"from\":null}]");
    correct("{}", "{}")->diff = TUOR_SLICE("{}");
    lessons();
}

/* -------------------------------------------------------------- the prompt */

static tuor_lesson_prompt made;

static const char *make(const char *content, const char *remark, apr_size_t max)
{
    apr_array_header_t *remarks = apr_array_make(pool, 1, sizeof(const char *));

    if (remark)
        APR_ARRAY_PUSH(remarks, const char *) = remark;
    tuor_lesson_prompt_make(&made, content, lessons(), remarks, max, pool);
    return made.content;
}

static void dates(void)
{
    correct("{'due':'1 May 2024'}", "{'due':'2024-05-01'}");
    correct("{'due':'2 May 2024'}", "{'due':'2024-05-02'}");
}

static int times(const char *text, const char *what)
{
    int n = 0;

    for (const char *p = text; (p = strstr(p, what)); p++)
        n++;
    return n;
}

#define SECTION_END "<!-- end of what was learned from reviews -->"

static void a_section_is_added_and_replaced(void **state)
{
    const char *first, *second;

    (void)state;
    dates();
    first = make("You read invoices.\n", NULL, 16384);
    assert_int_equal(made.recurring, 1);
    assert_string_equal(first, json("You read invoices.\n\n## Learned from reviews\n\nReviewers kept correcting the following."
        " Where it contradicts what is said elsewhere, it comes first.\n- `due`: write dates as YYYY-MM-DD."
        " For example '2024-05-01', not '1 May 2024'; '2024-05-02', not '2 May 2024'.\n\n" SECTION_END "\n"));
    assert_string_equal(make(first, NULL, 16384), first);
    cases = NULL;
    correct("{'total':'5 EUR'}", "{'total':5}");
    correct("{'total':'6 EUR'}", "{'total':6}");
    second = make(apr_pstrcat(pool, first, "\nAnswer in JSON.", NULL), "the\nvendor is wrong", 16384);
    assert_int_equal(times(second, "## Learned"), 1);
    assert_int_equal(times(second, SECTION_END), 1);
    assert_int_equal(times(second, "write dates as YYYY-MM-DD."), 1);
    assert_int_equal(times(second, "without unit or currency."), 1);
    assert_true(strstr(second, "still holds:\n- `due`") > strstr(second, "`total`"));
    assert_non_null(strstr(second, "\n- \"the\\nvendor is wrong\"\n"));
    assert_non_null(strstr(second, SECTION_END "\n\nAnswer in JSON."));
    assert_int_equal(made.kept, 1);
    assert_int_equal(made.remarks, 1);
}

static void a_contrary_rule_goes(void **state)
{
    const char *first;

    (void)state;
    dates();
    first = make("P", NULL, 16384);
    cases = NULL;
    correct("{'due':'2024-05-01'}", "{'due':'01.05.2024'}");
    correct("{'due':'2024-05-02'}", "{'due':'02.05.2024'}");
    make(first, NULL, 16384);
    assert_null(strstr(made.content, "YYYY-MM-DD."));
    assert_non_null(strstr(made.content, "DD.MM.YYYY."));
    assert_int_equal(made.kept, 0);
}

static void single_corrections_are_examples(void **state)
{
    (void)state;
    correct("{'vendor':'Exampel'}", "{'vendor':'Example'}");
    make("P", NULL, 16384);
    assert_int_equal(made.single, 1);
    assert_non_null(strstr(made.content, "\n- `vendor`: \"Example\" was right, not \"Exampel\".\n"));
    dates();
    make(made.content, NULL, 16384);
    assert_int_equal(made.single, 0);
    assert_int_equal(made.kept, 0);
    assert_null(strstr(made.content, "vendor"));
}

static void a_single_key_came_or_went(void **state)
{
    (void)state;
    correct("{'a':1}", "{}");
    assert_string_equal(words(0), "`a`: 1 did not belong there.");
    cases = NULL;
    correct("{}", "{'a':null}");
    assert_string_equal(words(0), "`a`: null was missing.");
}

static void labels_and_phrases_are_kept_apart(void **state)
{
    const char *first;

    (void)state;
    for (int i = 0; i < 2; i++) {
        correct("{'l':'a'}", "{'l':'b'}");
        correct("{'l':'c'}", "{'l':'d'}");
    }
    first = make("P", NULL, 16384);
    cases = NULL;
    for (int i = 0; i < 3; i++)
        correct("{'l':'b'}", "{'l':'a'}");
    make(first, NULL, 16384);
    assert_int_equal(made.recurring, 1);
    assert_int_equal(made.kept, 1);
    assert_non_null(strstr(made.content, "changed \"b\" to \"a\" 3 times"));
    assert_null(strstr(made.content, "changed \"a\" to \"b\""));
    assert_non_null(strstr(made.content, "changed \"c\" to \"d\" 2 times"));
}

static void nothing_to_say(void **state)
{
    const char *prompt = "As it was.\n";

    (void)state;
    assert_ptr_equal(make(prompt, NULL, 16384), prompt);
    dates();
    make("P", NULL, 16384);
    cases = NULL;
    prompt = made.content;
    assert_ptr_equal(make(prompt, NULL, 16384), prompt);
}

static void the_limit_holds(void **state)
{
    char *prompt = apr_pcalloc(pool, 2001);

    (void)state;
    memset(prompt, 'p', 2000);
    for (int i = 0; i < 30; i++) {
        correct(apr_psprintf(pool, "{'f%d':'1 kg'}", i % 15), apr_psprintf(pool, "{'f%d':1}", i % 15));
    }
    for (apr_size_t max = 1990; max < 4500; max += 7) {
        make(prompt, "a remark", max);
        assert_true(strlen(made.content) <= max || made.content == prompt);
        assert_true(made.content == prompt || strstr(made.content, SECTION_END));
    }
    assert_int_equal(made.recurring, 15);
    make(prompt, NULL, 2400);
    assert_in_range(made.recurring, 1, 14);
    assert_non_null(strstr(made.content, "`f0`"));
}

int main(void)
{
#define LESSON_TEST(function) cmocka_unit_test_setup_teardown(function, begin, drop_pool)
    const struct CMUnitTest tests[] = {
        LESSON_TEST(each_kind),
        LESSON_TEST(renamed_keys),
        LESSON_TEST(indices_are_one_field),
        LESSON_TEST(null_is_told_from_absent_anywhere),
        LESSON_TEST(labels_show_their_input),
        LESSON_TEST(the_most_frequent_comes_first_and_contradictions_go),
        LESSON_TEST(what_looks_alike_and_is_not),
        LESSON_TEST(odd_values),
        LESSON_TEST(a_section_is_added_and_replaced),
        LESSON_TEST(a_contrary_rule_goes),
        LESSON_TEST(single_corrections_are_examples),
        LESSON_TEST(a_single_key_came_or_went),
        LESSON_TEST(labels_and_phrases_are_kept_apart),
        LESSON_TEST(nothing_to_say),
        LESSON_TEST(the_limit_holds),
    };

    return run_group(tests, COUNT(tests), "lesson");
}
