/*
 * Writes JSON (RFC 8259) for --json. The calls follow the order of the text;
 * key is NULL for what stands in an array, and for the outermost value.
 */
#ifndef SETUP_JSON_H
#define SETUP_JSON_H

#include "core/buf.h"

struct json {
	struct buf *out;
	bool comma; /* the next value needs one in front */
};

#define JSON_INIT(b) { .out = (b) }

void json_object(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *key);
void json_array_end(struct json *j);
/* Controls are escaped; bytes that are no UTF-8 become U+FFFD. */
void json_slice(struct json *j, const char *key, struct slice value);
void json_str(struct json *j, const char *key, const char *value);
void json_num(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);

#endif
