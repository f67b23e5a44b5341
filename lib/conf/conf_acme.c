#include "conf/conf_acme.h"

#include <jansson.h>
#include <malloc.h>

#include "core/base64.h"

/* What the JSON library gives back were private keys. */
static void
wipe_free(void *p)
{
	if (p != NULL)
		mem_wipe(p, malloc_usable_size(p));
	mem_free(p);
}

static bool
is_name(const json_t *value, const char *name)
{
	return json_is_string(value) &&
	    strcasecmp(json_string_value(value), name) == 0;
}

static bool
is_for(const json_t *certificate, const char *name)
{
	const json_t *domain = json_object_get(certificate, "domain");
	const json_t *sans = json_object_get(domain, "sans");

	if (is_name(json_object_get(domain, "main"), name))
		return true;
	for (size_t i = 0; i < json_array_size(sans); i++)
		if (is_name(json_array_get(sans, i), name))
			return true;
	return false;
}

/* The first entry of any resolver; NULL if there is none. */
static const json_t *
find(json_t *root, const char *name)
{
	const char *resolver;
	json_t *value;

	json_object_foreach(root, resolver, value) {
		const json_t *list = json_object_get(value, "Certificates");

		/* null before the first certificate: an array of size 0. */
		for (size_t i = 0; i < json_array_size(list); i++)
			if (is_for(json_array_get(list, i), name))
				return json_array_get(list, i);
	}
	return NULL;
}

static int
decode(const json_t *certificate, const char *field, struct buf *out)
{
	const json_t *value = json_object_get(certificate, field);
	struct slice text;

	if (!json_is_string(value))
		return -1;
	text = slice_of(json_string_value(value), json_string_length(value));
	if (text.n == 0 || base64_decode_folded(out, text) == -1)
		return -1;
	return buf_ok(out) ? 0 : -1;
}

int
conf_acme_find(struct slice json, const char *name, struct buf *cert,
    struct buf *key, const char **why)
{
	const json_t *certificate;
	json_error_t where;
	json_t *root;
	int r = 0;

	json_set_alloc_funcs(mem_alloc, wipe_free);
	root = json_loadb(json.p, json.n, 0, &where);
	if (root == NULL)
		return fail(why, "it is not JSON");
	certificate = find(root, name);
	if (certificate == NULL)
		r = fail(why, "it has no certificate of that name");
	else if (decode(certificate, "certificate", cert) == -1)
		r = fail(why, "the certificate is missing or not base64");
	else if (decode(certificate, "key", key) == -1)
		r = fail(why, "the key is missing or not base64");
	json_decref(root);
	return r;
}
