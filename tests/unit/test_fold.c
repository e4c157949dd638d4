#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "client/search/terms.h"

static struct sat_arena arena;

static int make_arena(void **state)
{
    (void)state;
    sat_arena_init(&arena);
    return 0;
}

static int drop_arena(void **state)
{
    (void)state;
    sat_arena_deinit(&arena);
    return 0;
}

static struct client_folded fold(const char *text)
{
    struct client_folded folded;
    client_fold_text(&arena, sat_span_text(text), &folded);
    return folded;
}

static bool same(const char *a, const char *b)
{
    struct client_folded one = fold(a), other = fold(b);
    return one.n == other.n && memcmp(one.at, other.at, one.n * sizeof one.at[0]) == 0;
}

static void all_same(const char *const *texts)
{
    for (size_t i = 1; texts[i]; i++)
        if (!same(texts[0], texts[i])) fail_msg("%s and %s are not the same", texts[0], texts[i]);
}

#define ALL_SAME(...) all_same((const char *const[]){__VA_ARGS__, NULL})

static void spellings_of_chinese_are_one(void **state)
{
    (void)state;
    ALL_SAME("关系", "關係", "關系", "关係", "关繫");
    ALL_SAME("后", "後");
    ALL_SAME("里", "裡", "裏");
    ALL_SAME("发", "髮", "發");
    ALL_SAME("台", "臺", "檯", "颱");
    ALL_SAME("干", "乾", "幹", "榦");
    ALL_SAME("复", "復", "複", "覆");
    ALL_SAME("面", "麵", "麪", "麫");
    ALL_SAME("历", "歷", "曆");
    ALL_SAME("说", "說", "説");
    ALL_SAME("众", "眾", "衆");
    ALL_SAME("为", "為", "爲");
    ALL_SAME("布", "佈");
    ALL_SAME("占", "佔");
    ALL_SAME("只", "隻", "衹");
    ALL_SAME("钟", "鐘", "鍾");
    ALL_SAME("账", "賬");
    ALL_SAME("销售", "銷售");
    ALL_SAME("汇", "匯", "彙", "滙");
    assert_false(same("关", "系"));
    assert_false(same("王", "玉"));
    assert_false(same("未", "末"));
    assert_false(same("己", "已"));
}

static void width_case_and_compatibility_do_not_count(void **state)
{
    (void)state;
    ALL_SAME("ABC123", "abc123", "ＡＢＣ１２３", "ａｂｃ①②③", "ᴬbc¹²³");
    ALL_SAME("ｶﾞﾗｽ", "ガラス", "カ\u3099ラス");
    ALL_SAME("㈱", "(株)", "株");
    ALL_SAME("長", "长", "\u2ed3", "\u2ed1", "\u2fa7"); /* as radicals, too */
    ALL_SAME("車", "\uf902", "车", "\u2f9e");
    ALL_SAME("office", "ofﬁce", "oﬃce");
    ALL_SAME("5kg", "5㎏");
    ALL_SAME("각", "\u1100\u1161\u11a8");
}

static void latin_greek_and_cyrillic_lose_their_accents(void **state)
{
    (void)state;
    ALL_SAME("Müller", "MULLER", "mu\u0308ller", "muller");
    ALL_SAME("Straße", "strasse", "STRASSE", "STRAẞE");
    ALL_SAME("Łódź", "lodz");
    ALL_SAME("Smørrebrød", "smorrebrod");
    ALL_SAME("Ærø", "aero");
    ALL_SAME("İstanbul", "istanbul", "ıstanbul");
    ALL_SAME("Việt Nam", "viet nam");
    ALL_SAME("Αθήνα", "αθηνα", "ΑΘΗΝΑ");
    ALL_SAME("Ёлка", "елка");
    assert_false(same("か", "き"));
}

static void what_nobody_sees_is_not_there(void **state)
{
    (void)state;
    ALL_SAME("abc", "a\u00adbc", "\ufeffabc", "a\u200bbc", "abc\ufe0f", "a\u2060bc", "abc\U000e0100");
}

static void letters_alone_are_left_with_one_space_between_them(void **state)
{
    (void)state;
    ALL_SAME("a b", " a  b ", "a, b.", "a\n\tb", "a—b", "a。b", "a \U0001f600 b", "“a”《b》");
    ALL_SAME("", " ", "。，！", "\U0001f600", "\u0301");
    ALL_SAME("c", "c++", "C#");
}

static void nothing_changes_when_it_is_folded_once_more(void **state)
{
    (void)state;
    for (char32_t c = 1; c < 0x110000; c++) {
        char32_t once[CLIENT_FOLD_LENGTH_MAX], twice[CLIENT_FOLD_LENGTH_MAX];
        if (c >= 0xd800 && c < 0xe000) continue;
        size_t n = client_fold(c, once);
        assert_true(n <= CLIENT_FOLD_LENGTH_MAX);
        for (size_t i = 0; i < n; i++)
            if (client_fold(once[i], twice) != 1 || twice[0] != once[i])
                fail_msg("U+%04X becomes U+%04X, which becomes another", (unsigned)c, (unsigned)once[i]);
    }
}

static void the_tables_are_in_their_order(void **state)
{
    (void)state;
    for (size_t i = 1; i < client_fold_pairs_n; i++)
        assert_true(client_fold_pairs[2 * i - 2] < client_fold_pairs[2 * i]);
    size_t longer = 0;
    for (size_t i = 0; i < client_fold_pairs_n; i++) {
        if (client_fold_pairs[2 * i + 1] != CLIENT_FOLD_LONGER) continue;
        assert_true(longer < client_fold_longer_n);
        assert_int_equal(client_fold_longer[longer++].from, client_fold_pairs[2 * i]);
    }
    assert_int_equal(longer, client_fold_longer_n);
    for (size_t i = 1; i < client_fold_apart_n; i++) assert_true(client_fold_apart[i - 1] < client_fold_apart[i]);
}

static void each_folded_character_knows_where_it_comes_from(void **state)
{
    (void)state;
    const char *text = "Ko\u0308nig, 關係";
    struct client_folded folded = fold(text);
    static const uint32_t from[] = {0, 1, 4, 5, 6, 9, 9, 12, 15};
    assert_int_equal(folded.n, 8); /* konig, a space, two of Han */
    for (size_t i = 0; i <= folded.n; i++) assert_int_equal(folded.from[i], from[i]);
}

static void any_bytes_can_be_folded(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[24];
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (uint8_t)(seed >> 56);
        }
        struct client_folded folded;
        client_fold_text(&arena, sat_span(bytes, seed % (sizeof bytes + 1)), &folded);
        for (size_t i = 0; i < folded.n; i++) {
            assert_true(folded.from[i] <= folded.from[i + 1]);
            assert_true(folded.at[i] == ' ' || client_letter(folded.at[i]) != CLIENT_APART);
        }
        sat_arena_reset(&arena);
    }
}

/* ---- Terms ---- */

struct terms {
    char text[512];
};

static int note_term(void *context, const char *term, int len)
{
    struct terms *terms = context;
    size_t at = strlen(terms->text);
    if (at) terms->text[at++] = '|';
    memcpy(terms->text + at, term, (size_t)len);
    terms->text[at + (size_t)len] = '\0';
    return 0;
}

static void assert_terms(const char *text, const char *expected)
{
    struct terms terms = {""};
    struct client_folded folded = fold(text);
    assert_int_equal(client_each_term(&folded, 0, note_term, &terms), 0);
    assert_string_equal(terms.text, expected);
}

static void chinese_is_taken_by_two_and_words_whole(void **state)
{
    (void)state;
    assert_terms("王芳好", "王芳|芳好|好");
    assert_terms("A王 Müller", "a|王|muller");
    assert_terms("王，芳", "王|芳");
    assert_terms("", "");
    char longer[200];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    char cut[CLIENT_TERM_WORD_MAX + 1] = "";
    memset(cut, 'x', CLIENT_TERM_WORD_MAX);
    assert_terms(longer, cut);
}

static bool contains(const char *text, const char *question)
{
    struct client_folded in = fold(text), of = fold(question);
    struct client_part part;
    size_t at = 0, where;
    assert_true(client_next_part(&of, &at, &part));
    return client_contains(&in, &of, &part, &where);
}

static void a_word_is_found_at_its_beginning_and_a_run_anywhere(void **state)
{
    (void)state;
    assert_true(contains("Northwind Traders", "trad"));
    assert_false(contains("Northwind Traders", "raders"));
    assert_true(contains("xa a", "a"));
    assert_true(contains("客户关系维护", "關係"));
    assert_true(contains("客户关系维护", "护"));
    assert_false(contains("客户关 系维护", "关系"));
    assert_true(contains("维A股", "a"));
    assert_false(contains("Ab", "abc"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_arena, drop_arena)
    const struct CMUnitTest tests[] = {
        TEST(spellings_of_chinese_are_one),
        TEST(width_case_and_compatibility_do_not_count),
        TEST(latin_greek_and_cyrillic_lose_their_accents),
        TEST(what_nobody_sees_is_not_there),
        TEST(letters_alone_are_left_with_one_space_between_them),
        TEST(nothing_changes_when_it_is_folded_once_more),
        TEST(the_tables_are_in_their_order),
        TEST(each_folded_character_knows_where_it_comes_from),
        TEST(any_bytes_can_be_folded),
        TEST(chinese_is_taken_by_two_and_words_whole),
        TEST(a_word_is_found_at_its_beginning_and_a_run_anywhere),
    };
    return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
