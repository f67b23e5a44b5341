/* Socket addresses as values and as text. */
#ifndef IO_SOCKADDR_H
#define IO_SOCKADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/slice.h"

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

#define SOCKADDR_TEXT 64

/* "192.0.2.1" or "2001:db8::1" (a v4-mapped address as v4), no port. */
const char *sockaddr_ip(const union sockaddr_any *a, char text[SOCKADDR_TEXT]);
/* RFC 5321 4.1.3 address literal without brackets: "192.0.2.1", "IPv6:..." */
const char *sockaddr_literal(const union sockaddr_any *a,
    char text[SOCKADDR_TEXT]);
uint16_t sockaddr_port(const union sockaddr_any *a);
socklen_t sockaddr_len(const union sockaddr_any *a);
bool sockaddr_is_loopback(const union sockaddr_any *a);
/* Parses an address (no brackets) and sets the port; -1 if it is none. */
int sockaddr_parse(union sockaddr_any *out, struct slice ip, uint16_t port)
    MUST_CHECK;
/* True if it is in one of the networks, "10.0.0.0/8,::1/128". */
bool sockaddr_in_networks(const union sockaddr_any *a, struct slice networks);
/*
 * The address's key for per-client limits: the v4 address, or the /64 of a v6
 * one. Writes at most 16 bytes to key and returns how many.
 */
size_t sockaddr_client_key(const union sockaddr_any *a, unsigned char key[16]);

#endif
