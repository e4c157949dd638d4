/* What a home of so many records costs who asks: opening it, a put, a question, each report, an account's page, a day.
 *
 *   bench_report HOME TODAY     {"name","ms","first_ms"} a line: the best of some times, and the first one. "scan" is
 *                               the floor of what reads all: each row of the tables that reports are about, once;
 *                               "look" that of a question: all names, looked through; "follow" is a put and a question
 *                               behind it */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/include/satchel.h"
#include "tests/bench/fleet.h"
#include "tests/bench/measure.h"

enum { ROUNDS = 5 };

struct asker {
    struct satchel *satchel;
    const char *home, *what, *today;
};

static int no_row(void *context, const char *json)
{
    (void)context;
    (void)json;
    return 0;
}

static void measure(const char *name, void (*work)(struct asker *asker), struct asker *asker)
{
    double first_ms = 0, best_ms = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t began_ns = bench_now_ns();
        work(asker);
        double ms = (double)(bench_now_ns() - began_ns) / 1e6;
        if (round == 0) first_ms = ms;
        if (round == 0 || ms < best_ms) best_ms = ms;
    }
    fleet_say("{\"name\":\"%s\",\"ms\":%.3f,\"first_ms\":%.3f}", name, best_ms, first_ms);
}

static void query(struct asker *asker)
{
    fleet_require(asker->satchel, satchel_query(asker->satchel, asker->what, no_row, NULL), asker->what);
}

static void reopen(struct asker *asker)
{
    satchel_close(asker->satchel);
    asker->satchel = fleet_open(asker->home);
    asker->what = "SELECT count(*) AS n FROM account WHERE rowid = 1";
    query(asker);
}

static void put(struct asker *asker)
{
    char id[SATCHEL_ID_SIZE];
    bench_require(fleet_visit(asker->satchel, 0, bench_now_ns(), id) == 0, "a put");
}

/* Of what was put by now the view knows: whoever asks first is told that. */
static void follow(struct asker *asker)
{
    put(asker);
    query(asker);
}

static void find(struct asker *asker)
{
    fleet_require(asker->satchel, satchel_find(asker->satchel, "华安", NULL, 20, no_row, NULL), "a question");
}

static void tell(struct asker *asker)
{
    const struct satchel_report_options options = {.period = "2026", .today = asker->today};
    char *text = NULL;
    fleet_require(asker->satchel, satchel_report(asker->satchel, asker->what, &options, &text), asker->what);
    satchel_free(text);
}

/* The page of an account, each time another one; and somebody's day. */
static void page(struct asker *asker)
{
    static unsigned turn;
    char id[SATCHEL_ID_SIZE], *text = NULL;
    (void)snprintf(id, sizeof id, "01900000-0000-7000-9000-%012x", turn++);
    fleet_require(asker->satchel, satchel_account_show(asker->satchel, id, &text), "a page");
    satchel_free(text);
}

static void day(struct asker *asker)
{
    char *text = NULL;
    fleet_require(asker->satchel, satchel_today(asker->satchel, asker->today, &text), "a day");
    satchel_free(text);
}

static const char SCAN[] =
    "SELECT (SELECT sum(length(id)) + count(account) FROM visit) + (SELECT sum(length(id)) FROM account)"
    " + (SELECT sum(length(id)) FROM \"order\") + (SELECT sum(length(id)) FROM visit_plan)"
    " + (SELECT sum(length(id)) FROM lead) + (SELECT sum(length(id)) FROM opportunity)"
    " + (SELECT sum(length(id)) FROM state_event) + (SELECT sum(length(id)) FROM receivable)"
    " + (SELECT sum(length(id)) FROM payment) + (SELECT sum(length(id)) FROM allocation) AS n";

int main(int argc, char **argv)
{
    static const char *const reports[] = {"funnel", "receivables", "targets", "tiers", "visits"};
    bench_require(argc == 3, "bench_report HOME TODAY");
    struct asker asker = {.satchel = fleet_open(argv[1]), .home = argv[1], .today = argv[2]};
    asker.what = "SELECT count(*) AS n FROM account";
    query(&asker); /* the view is made */
    measure("open", reopen, &asker);
    measure("find", find, &asker);
    asker.what = "SELECT count(*) AS n FROM account WHERE name LIKE '%华安%'";
    measure("look", query, &asker);
    asker.what = SCAN;
    measure("scan", query, &asker);
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
        reopen(&asker); /* the first time is that of a process */
        asker.what = reports[i];
        measure(reports[i], tell, &asker);
    }
    reopen(&asker);
    measure("page", page, &asker);
    measure("day", day, &asker);
    measure("put", put, &asker);
    asker.what = "SELECT count(*) AS n FROM account WHERE rowid = 1";
    query(&asker);
    measure("follow", follow, &asker);
    satchel_close(asker.satchel);
    return 0;
}
