/* The domain's hard cases of orders (its section 3.4), each in every order in which what was done side by side can
 * arrive. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/arrivals.h"

/* Records of the case that is played. */
static char account[SATCHEL_ID_SIZE], milk[SATCHEL_ID_SIZE];
static char record[SATCHEL_ID_SIZE], line[SATCHEL_ID_SIZE], other[SATCHEL_ID_SIZE]; /* an order, its line, another */

static int make_org(void **state)
{
    if (make_people(state)) return -1;
    milk[0] = '\0';
    put_one(ann, "product", milk, "org", "{\"sku\":\"MILK\"}");
    sync_people();
    return 0;
}

static void make_account(void)
{
    put_new(bob, "account", account, "{\"name\":\"Dairy %d\"}", arrivals.round);
}

/* ---- 8: approved for one version ---- */

static void make_list(const char *version, const char *from, int price)
{
    char list[SATCHEL_ID_SIZE] = "", row[SATCHEL_ID_SIZE] = "", fields[300];
    (void)snprintf(fields, sizeof fields,
                   "{\"code\":\"W%d\",\"version\":%s,\"currency\":\"CNY\",\"valid_from\":\"%s\"}", arrivals.round,
                   version, from);
    put_one(ann, "price_list", list, "org", fields);
    (void)snprintf(fields, sizeof fields, "{\"price_list\":\"%s\",\"product\":\"%s\",\"unit_price\":%d}", list, milk,
                   price);
    put_one(ann, "price_row", row, "org", fields);
}

static void order_milk(struct satchel *satchel, int qty, int discount_bp, const char *date, char id[SATCHEL_ID_SIZE])
{
    char wish[300], *text = NULL;
    (void)snprintf(wish, sizeof wish,
                   "{\"account\":\"%s\",\"lines\":[{\"sku\":\"MILK\",\"qty\":%d}],\"discount_bp\":%d,\"date\":\"%s\","
                   "\"price_list\":\"W%d\"}",
                   account, qty, discount_bp, date, arrivals.round);
    must(satchel, satchel_order_new(satchel, wish, &text));
    json_t *told = parsed(text);
    (void)snprintf(id, SATCHEL_ID_SIZE, "%s", json_string_value(json_object_get(told, "id")));
    const json_t *first = json_array_get(json_object_get(told, "lines"), 0);
    (void)snprintf(line, sizeof line, "%s", json_string_value(json_object_get(first, "id")));
    json_decref(told);
}

static void ask_for_approval(void)
{
    char *told = NULL;
    make_account();
    make_list("12", "2024-01-01", 3333);
    (void)sync_now(ann);
    (void)sync_now(bob);
    order_milk(bob, 12, 900, "2024-08-06", record);
    must(bob, satchel_order_submit(bob, record, &told));
    satchel_free(told);
}

static void approve_it(void)
{
    char *told = NULL;
    must(ann, satchel_approve(ann, record, "yes", NULL, &told));
    satchel_free(told);
}

static void give_more(void)
{
    put_new(bob, "amendment", other,
            "{\"about\":\"%s\",\"field\":\"discount_bp\",\"old_value\":\"900\",\"new_value\":\"1200\",\"at\":"
            "\"2024-08-06T12:00:00+08:00\"}",
            line);
}

static void note_on_order(void)
{
    put(cid, "order", record, "{\"note\":\"before ten\"}");
}

/* The text without the price list's code, which is the round's own. */
static void without_code(const char *text, char out[300])
{
    char code[24];
    (void)snprintf(code, sizeof code, "W%d ", arrivals.round);
    out[0] = '\0';
    for (const char *found; (found = strstr(text, code)); text = found + strlen(code))
        (void)snprintf(out + strlen(out), 300 - strlen(out), "%.*s", (int)(found - text), text);
    (void)snprintf(out + strlen(out), 300 - strlen(out), "%s", text);
}

static void tell_order(struct satchel *device, struct rows *out)
{
    char *text = NULL;
    json_t *flag;
    size_t i;
    if (satchel_order_show(device, record, &text)) return; /* it has not come yet */
    json_t *told = parsed(text), *approval = json_object_get(told, "approval");
    tell_member(out, told, "state");
    tell_member(out, told, "total_minor");
    if (json_object_get(approval, "for_another_version_state")) tell_member(out, approval, "for_another_version_state");
    json_array_foreach(json_object_get(told, "flags"), i, flag)
    {
        char text_of_flag[300];
        without_code(json_string_value(json_object_get(flag, "text")), text_of_flag);
        tell(out, "%s: %s", json_string_value(json_object_get(flag, "flag")), text_of_flag);
    }
    json_decref(told);
}

static void h08_approved_for_one_version_and_edited_to_another(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = ask_for_approval,
        .changes = {{&ann, approve_it}, {&bob, give_more}, {&cid, note_on_order}},
        .tells = tell_order,
        .wanted = "state: \"received\"\ntotal_minor: 35196\nfor_another_version_state: \"approved\"\n"
                  "not_approved: a discount of 12.00 %, above 0.00 % by no grant: approved for another version"
                  " (rule M08-6)",
    });
}

/* ---- 16: a newer price list ---- */

static void publish_twelve(void)
{
    make_account();
    make_list("12", "2024-01-01", 3333);
}

static void publish_thirteen(void)
{
    make_list("13", "2024-06-01", 3633);
}

static void order_by_the_older(void)
{
    order_milk(bob, 80, 0, "2024-06-02", record);
}

static void order_before_it_counts(void)
{
    order_milk(cid, 70, 0, "2024-05-31", other);
}

static void tell_prices(struct satchel *device, struct rows *out)
{
    tell_order(device, out);
    tell_rows(device, out,
              "SELECT o.total, (SELECT COUNT(*) FROM flagged AS f WHERE f.id = o.id) AS flags FROM"
              " \"order\" AS o WHERE o.account = '%s' ORDER BY o.total",
              account);
}

static void h16_ordered_by_the_older_list(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = publish_twelve,
        .changes = {{&ann, publish_thirteen}, {&bob, order_by_the_older}, {&cid, order_before_it_counts}},
        .tells = tell_prices,
        .wanted = "state: \"received\"\ntotal_minor: 266640\nold_price: priced by an older list: v12, where v13 was"
                  " effective since 2024-06-01: difference +240.00 CNY\n"
                  "{\"total\":233310,\"flags\":0}\n{\"total\":266640,\"flags\":1}",
    });
}

/* ---- 13: uploaded five times over a dying link ---- */

static unsigned cut, landed; /* connections that were; uploads that the server had by then, unheard of */

static uint64_t log_size(void)
{
    uint64_t size = 0;
    uint32_t n = 0;
    struct sat_arena arena;
    struct sat_space_row *spaces;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_spaces(the_world.store, &arena, &spaces, &n), SAT_OK);
    for (uint32_t i = 0; i < n; i++) size += spaces[i].log.size;
    sat_arena_deinit(&arena);
    return size;
}

/* Four times the line dies after one message more than the time before; what had come has come. */
static void upload_over_a_dying_link(struct satchel *satchel)
{
    const struct satchel_sync_options options = {.stop = &the_world.was_cut}; /* it is not tried again by itself */
    uint64_t before = log_size();
    for (int cut_after = 3; cut_after < 7; cut_after++) {
        struct satchel_sync_result result;
        the_world.cut_after = cut_after;
        the_world.was_cut = 0;
        cut += satchel_sync(satchel, &options, &result) != SATCHEL_OK;
    }
    the_world.cut_after = -1;
    landed += log_size() > before;
}

static void order_by_phone(void)
{
    order_milk(bob, 12, 0, "2024-08-06", record);
}

static void order_by_tablet(void)
{
    order_milk(tablet, 14, 0, "2024-08-06", other);
}

static void note_on_account(void)
{
    put(cid, "account", account, "{\"note\":\"by the back door\"}");
}

static void tell_how_many(struct satchel *device, struct rows *out)
{
    tell_rows(device, out,
              "SELECT COUNT(*) AS orders, COUNT(DISTINCT no_local) AS numbers, (SELECT COUNT(*) FROM order_line AS l"
              " JOIN \"order\" AS o ON o.id = l.\"order\" WHERE o.account = '%s') AS lines, SUM(total) AS total FROM"
              " \"order\" WHERE account = '%s'",
              account, account);
    tell_rows(device, out, "SELECT note FROM account WHERE id = '%s'", account);
    tell_conflicts(device, out, account);
}

static void h13_uploaded_five_times_over_a_dying_link(void **state)
{
    (void)state;
    in_every_order(&(struct hard_case){
        .begins = publish_twelve,
        .changes = {{&bob, order_by_phone}, {&tablet, order_by_tablet}, {&cid, note_on_account}},
        .uploads = upload_over_a_dying_link,
        .tells = tell_how_many,
        .wanted = "{\"orders\":2,\"numbers\":2,\"lines\":2,\"total\":86658}\n{\"note\":\"by the back door\"}",
    });
    print_message("%u connections were cut, %u uploads had landed\n", cut, landed);
    assert_true(cut > 6 * 3 && landed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h08_approved_for_one_version_and_edited_to_another),
        cmocka_unit_test(h13_uploaded_five_times_over_a_dying_link),
        cmocka_unit_test(h16_ordered_by_the_older_list),
    };
    return cmocka_run_group_tests_name("hard_orders", tests, make_org, drop_people);
}
