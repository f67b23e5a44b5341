/* Limits on connections, and the scratch frame. See server.h. */
#include "services/smtp/server.h"

struct buf *
server_frame(struct server *v)
{
	buf_clear(&v->frame);
	return &v->frame;
}

struct client *
server_admit(struct server *v, const union sockaddr_any *from,
    const char **reply)
{
	unsigned char key[16];
	size_t n = sockaddr_client_key(from, key);
	struct client *c = map_get(&v->clients, slice_of(key, n));

	if (v->count >= v->conf->smtp_connections) {
		*reply = "421 4.3.2 %s Error: too many connections\r\n";
		return NULL;
	}
	if (c != NULL && !trust_allows(&v->trust, from) &&
	    c->connections >= v->conf->smtp_connections_per_address) {
		*reply = "421 4.7.0 %s Error: too many connections from your "
			 "address\r\n";
		return NULL;
	}
	if (c == NULL) {
		c = mem_zero(sizeof(*c));
		memcpy(c->key, key, n);
		c->key_length = n;
		map_put(&v->clients, slice_of(key, n), c);
	}
	c->connections++;
	v->count++;
	return c;
}

void
server_leave(struct server *v, struct client *c)
{
	v->count--;
	if (--c->connections > 0)
		return;
	map_remove(&v->clients, slice_of(c->key, c->key_length));
	mem_free(c);
}
