#include "tests/story/bulk.h"

#include <string.h>

#include "common/base/check.h"
#include "common/vault/types.h"

enum { CELLS_MAX = 12 };

struct maker {
    struct world *world;
    struct sat_arena *arena;
    struct sat_cell *cells;
    uint32_t n;
};

static const char *const FIRST[] = {"Agnieszka", "Tobias", "Yuki",   "Fernanda", "Oluwaseun", "Ingrid",
                                    "Marcel",    "Priya",  "Tomasz", "Leonie",   "Caroline",  "Henrik",
                                    "周敏",      "赵建国", "孙丽华", "吴晓东"};
static const char *const LAST[] = {"Kowalczyk", "Brandt", "Tanabe",  "Oliveira", "Adeyemi",   "Solberg",
                                   "Girard",    "Raman",  "Nowicki", "Fuchs",    "Whitfield", "Dahl",
                                   "店长",      "经理",   "主任",    "老板"};
static const char *const SHOP[] = {"Corner Pantry",     "Hafenkiosk",   "Riverside Grocers", "Épicerie du Port",
                                   "Sunrise Mini Mart", "惠民生活超市", "东湖便利店",        "金桥食品商行",
                                   "Old Mill Bakery",   "Green Basket"};
static const char *const STREET[] = {"Lindenallee", "Quai des Brumes", "Ashford Road", "Calle Mayor", "Via Garibaldi",
                                     "滨江大道",    "解放西路",        "Harbour Lane", "Nørregade",   "文化街"};
static const char *const CITY[] = {"Lübeck", "Nantes", "Swindon", "Zaragoza", "Bergamo",
                                   "绍兴",   "长沙",   "Cork",    "Odense",   "洛阳"};
static const char *const LAND[] = {"Germany", "France", "United Kingdom", "Spain",   "Italy",
                                   "中国",    "中国",   "Ireland",        "Denmark", "中国"};
static const char *const ENGLISH[] = {
    "Talked to the owner about moving the cooler closer to the entrance",
    "Two pallets of the spring range arrived damaged and were sent back",
    "She asks whether we can deliver before seven because the street is closed later",
    "The rival brand has put up a stand with free samples next to the till",
    "Agreed on a trial of eight weeks for the small bottles",
    "Took photographs of the empty shelves on the second aisle",
    "They pay late again and the accountant wants a statement of the open invoices",
    "The new manager starts in a fortnight and would like to see the whole catalogue",
    "Counted the stock together and found eleven cartons past their date",
    "He is happy with the crisps but the biscuits hardly move",
    "Wants to know if the rebate still holds when the order is split over two branches",
    "Refurbishment begins in the last week of the month and half of the shop stays shut",
};
static const char *const CHINESE[] = {
    "老板说隔壁新开了一家大卖场，客流少了三成左右",
    "冰柜温度偏高，已经报修，师傅周四上午过来",
    "上次送来的酸奶有两箱漏液，需要补货并开红字发票",
    "货架第三层空着，建议改放小包装坚果",
    "她希望把结算周期从月结改成半月结",
    "店员对新口味不熟悉，下次带试吃装来培训",
    "竞品正在做第二件半价，我们的堆头被挪到了后面",
    "库存盘点差了五件，正在查监控",
    "中秋礼盒想提前两周铺货，先要四十套",
    "门头灯箱坏了一半，拍照发给了市场部",
};
static const char *const NEXT[] = {
    "send the revised quotation",       "bring two testers", "phone the warehouse", "带合同过来签字", "核对上月返利",
    "ask for the missing delivery note"};
static const char *const WHY[] = {"shelf check", "complaint", "new listing", "例行拜访", "催款", "tasting"};
static const char *const STATE[] = {"planned", "done", "cancelled"};
static const char *const TAG[] = {"bakery", "seasonal", "重点", "credit-hold", "franchise"};

#define ANY(maker, list) ((list)[world_dice((maker)->world, sizeof(list) / sizeof *(list))])

static void add(struct maker *maker, struct sat_cell cell)
{
    sat_check(maker->n < CELLS_MAX);
    maker->cells[maker->n++] = cell;
}

static void text(struct maker *maker, uint16_t field, const char *value)
{
    add(maker, world_text(field, value));
}

static void ref(struct maker *maker, uint16_t field)
{
    struct sat_cell cell = {.field = field, .value = {.kind = SAT_VALUE_REF}};
    uint8_t random[10];
    sat_entropy_fill(&maker->world->dice, random, sizeof random);
    sat_uuid_v7(maker->world->now_ms - world_dice(maker->world, 40000000000), random, cell.value.ref.b);
    add(maker, cell);
}

static int64_t time_of(struct maker *maker, uint16_t field, int64_t ms)
{
    add(maker, (struct sat_cell){.field = field, .value = {.kind = SAT_VALUE_TIME, .integer = ms, .offset_min = 120}});
    return ms;
}

/* Some sentences of one language, with numbers here and there, about `bytes` long. */
static const char *prose(struct maker *maker, size_t bytes)
{
    bool chinese = world_dice(maker->world, 5) < 2;
    const char *out = "";
    while (strlen(out) < bytes) {
        const char *sentence = chinese ? ANY(maker, CHINESE) : ANY(maker, ENGLISH);
        unsigned number = (unsigned)world_dice(maker->world, 90) + 2;
        const char *end = world_dice(maker->world, 4) ? ""
                          : chinese                   ? sat_arena_format(maker->arena, "，大约%u件", number)
                                                      : sat_arena_format(maker->arena, ", about %u units", number);
        out = sat_arena_format(maker->arena, "%s%s%s%s%s", out, out[0] && !chinese ? " " : "", sentence, end,
                               chinese ? "。" : ".");
    }
    return out;
}

static const char *phone(struct maker *maker)
{
    return sat_arena_format(maker->arena, "+%u %u %06u", 33 + (unsigned)world_dice(maker->world, 16),
                            100 + (unsigned)world_dice(maker->world, 900), (unsigned)world_dice(maker->world, 1000000));
}

static void make_account(struct maker *maker)
{
    unsigned where = (unsigned)world_dice(maker->world, 10);
    text(maker, 1, sat_arena_format(maker->arena, "%s %u", ANY(maker, SHOP), (unsigned)world_dice(maker->world, 400)));
    text(maker, 2, sat_arena_format(maker->arena, "%s %u", STREET[where], 1 + (unsigned)world_dice(maker->world, 180)));
    text(maker, 3, CITY[where]);
    text(maker, 4, LAND[where]);
    text(maker, 5, sat_arena_format(maker->arena, "%05u", (unsigned)world_dice(maker->world, 100000)));
    text(maker, 6, phone(maker));
    add(maker, world_element(7, ANY(maker, TAG), true));
    text(maker, 8, prose(maker, 30));
}

static void make_contact(struct maker *maker)
{
    const char *first = ANY(maker, FIRST), *last = ANY(maker, LAST);
    ref(maker, 1);
    text(maker, 2, sat_arena_format(maker->arena, "%s %s", first, last));
    text(maker, 3, world_dice(maker->world, 2) ? "deputy shop manager" : "采购主管");
    add(maker, world_element(4, phone(maker), true));
    const char *mail =
        sat_arena_format(maker->arena, "contact%u@shop-%u.example.com", (unsigned)world_dice(maker->world, 500),
                         (unsigned)world_dice(maker->world, 500));
    add(maker, world_element(5, mail, true));
}

static void make_visit(struct maker *maker)
{
    ref(maker, 1);
    int64_t began = time_of(maker, 2, (int64_t)(maker->world->now_ms - world_dice(maker->world, 30000000) * 1000));
    (void)time_of(maker, 3, began + (int64_t)world_dice(maker->world, 90) * 60000);
    text(maker, 4, ANY(maker, WHY));
    text(maker, 5, prose(maker, 20));
    text(maker, 6, ANY(maker, NEXT));
    text(maker, 7, ANY(maker, STATE));
}

static void make_order(struct maker *maker)
{
    ref(maker, 1);
    text(maker, 2, sat_arena_format(maker->arena, "R7-%u", 1000 + (unsigned)world_dice(maker->world, 9000)));
    text(maker, 3,
         sat_arena_format(maker->arena, "2026-%02u-%02u", 1 + (unsigned)world_dice(maker->world, 12),
                          1 + (unsigned)world_dice(maker->world, 28)));
    text(maker, 4, ANY(maker, STATE));
    text(maker, 5, prose(maker, 60));
}

static void make_note(struct maker *maker)
{
    ref(maker, 1);
    text(maker, 2, prose(maker, 100));
}

struct sat_edit bulk_record(struct world *world, int64_t sid, uint32_t number, struct sat_arena *arena)
{
    static const struct {
        uint16_t type;
        void (*make)(struct maker *maker);
    } kinds[] = {{3, make_visit},   {1, make_account}, {3, make_visit},
                 {2, make_contact}, {10, make_note},   {4, make_order}};
    uint32_t kind = number % (sizeof kinds / sizeof *kinds);
    struct maker maker = {
        .world = world, .arena = arena, .cells = sat_arena_array(arena, CELLS_MAX, sizeof *maker.cells)};
    kinds[kind].make(&maker);
    struct sat_edit edit = {.sid = sid, .type = kinds[kind].type, .cells = maker.cells, .cells_n = maker.n};
    uint8_t random[10];
    sat_entropy_fill(&world->dice, random, sizeof random);
    sat_uuid_v7(world->now_ms + number, random, edit.record.b);
    return edit;
}

static size_t value_bytes(const struct sat_value *value)
{
    char number[32];
    switch (value->kind) {
    case SAT_VALUE_TEXT:
        return value->text.len + 2;
    case SAT_VALUE_REF:
        return 36 + 2;
    case SAT_VALUE_TIME:
        return strlen("\"2026-07-01T09:30:00+02:00\"");
    case SAT_VALUE_INT:
        return (size_t)snprintf(number, sizeof number, "%lld", (long long)value->integer);
    case SAT_VALUE_BOOL:
        return value->truth ? 4 : 5;
    case SAT_VALUE_NIL:
    case SAT_VALUE_OTHER:
        break;
    }
    sat_check(false);
    return 0;
}

size_t bulk_json_bytes(const struct sat_edit *edit)
{
    const struct sat_type *type = sat_type_by_number(edit->type);
    size_t n = strlen("{'type':'','id':'','fields':{}}") + strlen(type->name) + 36;
    for (uint32_t i = 0; i < edit->cells_n; i++) {
        const struct sat_cell *cell = &edit->cells[i];
        n += strlen(sat_field_by_number(type, cell->field)->name) + strlen("'':,"); /* no set here has two elements */
        n += cell->in_set ? cell->element.len + strlen("['']") : value_bytes(&cell->value);
    }
    return n - 1; /* no comma behind the last */
}
