/* The server's address and identity. */
#include <stdio.h>
#include <string.h>

#include "client/act.h"
#include "client/transport.h"

static enum sat_err build_server(void *context, struct client_links *links)
{
    struct sat_body_server_key body = *(const struct sat_body_server_key *)context;
    struct sat_buf buf;
    static const struct sat_public_key none;
    if (memcmp(&body.server, &none, sizeof none) == 0) body.server = links->ahead.server;
    sat_buf_init(&buf);
    sat_body_server_key_encode(&body, &buf);
    enum sat_err err = client_links_add(links, SAT_LINK_SERVER_KEY, &buf);
    sat_buf_deinit(&buf);
    return err;
}

static enum sat_err check_server(struct satchel *satchel, const char *url, const char *pin,
                                 struct sat_body_server_key *server)
{
    struct client_address address;
    if (!url && !pin)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "neither an address nor a pin is given: nothing to set");
    if (pin && sat_hex_parse(pin, server->server.b, sizeof server->server.b))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID,
                        "the pin is not a server's identity key: 64 hexadecimal digits");
    if (!url) return SAT_OK;
    if (strlen(url) > SAT_URL_BYTES_MAX)
        return sat_fail(&satchel->fault, SAT_ERR_TOO_LARGE, "the server's address is too long");
    (void)snprintf(server->url, sizeof server->url, "%s", url);
    return client_address_parse(url, &address, &satchel->fault);
}

int satchel_server_set(struct satchel *satchel, const char *url, const char *pin)
{
    /* Through the new address, so that it is known to lead to this organisation; that the server has the new identity
     * is what it looks at itself. */
    struct sat_body_server_key server = {0};
    struct client_act act = {.satchel = satchel, .context = &server, .build = build_server, .url = url};
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_ADMIN);
    if (!err) err = check_server(satchel, url, pin, &server);
    if (!err) err = client_act_run(&act);
    return client_end(satchel, err);
}
