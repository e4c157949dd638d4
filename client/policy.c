/* What holds for the whole organisation: policies.def. */
#include <string.h>

#include "client/act.h"
#include "client/rows.h"

static const struct policy {
    const char *name;
    uint16_t number;
    uint64_t absent, most;
} POLICIES[] = {
#define X(id, name, number, absent, most) {name, number, absent, most},
#include "common/proof/policies.def"
#undef X
};
enum { POLICIES_N = sizeof POLICIES / sizeof POLICIES[0] };

int satchel_policy(struct satchel *satchel, satchel_row_fn row, void *context)
{
    client_begin(satchel);
    for (size_t i = 0; i < POLICIES_N; i++) {
        uint64_t value = sat_directory_policy(&satchel->directory, (enum sat_policy)POLICIES[i].number);
        json_t *json = json_object();
        (void)json_object_set_new(json, "policy", json_string(POLICIES[i].name));
        (void)json_object_set_new(json, "value", json_integer((json_int_t)value));
        (void)json_object_set_new(json, "default", json_integer((json_int_t)POLICIES[i].absent));
        (void)json_object_set_new(json, "most", json_integer((json_int_t)POLICIES[i].most));
        if (!client_give_row(row, context, json)) break;
    }
    return client_end(satchel, SAT_OK);
}

static enum sat_err build_policy(void *context, struct client_links *links)
{
    struct sat_body_policy body = {.values_n = 1};
    body.values[0] = *(const struct sat_policy_value *)context;
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_policy_encode(&body, &buf);
    enum sat_err err = client_links_add(links, SAT_LINK_POLICY, &buf);
    sat_buf_deinit(&buf);
    return err;
}

static enum sat_err find_policy(struct satchel *satchel, const char *name, uint64_t value, struct sat_policy_value *out)
{
    for (size_t i = 0; i < POLICIES_N; i++) {
        if (!name || strcmp(POLICIES[i].name, name) != 0) continue;
        *out = (struct sat_policy_value){.key = POLICIES[i].number, .value = value};
        if (value <= POLICIES[i].most) return SAT_OK;
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "%s is %llu at most", name,
                        (unsigned long long)POLICIES[i].most);
    }
    return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no policy \"%.40s\": `satchel policy` lists them",
                    name ? name : "");
}

int satchel_policy_set(struct satchel *satchel, const char *policy, uint64_t value)
{
    struct sat_policy_value wanted;
    struct client_act act = {.satchel = satchel, .context = &wanted, .build = build_policy};
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_ADMIN);
    if (!err) err = find_policy(satchel, policy, value, &wanted);
    if (!err) err = client_act_run(&act);
    return client_end(satchel, err);
}
