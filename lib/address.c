/* address.c -- which addresses are on the open internet. */
#include "address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

struct range {
	unsigned char bytes[16];
	int bits; /* 0 ends the table */
};

/* From the registries of special-purpose addresses (RFC 6890). */
/* clang-format off */
static const struct range closed4[] = {
	{{0}, 8},             /* this network */
	{{10}, 8},            /* private */
	{{100, 64}, 10},      /* shared by a provider's customers */
	{{127}, 8},           /* loopback */
	{{169, 254}, 16},     /* link-local, where clouds keep their credentials */
	{{172, 16}, 12},      /* private */
	{{192, 0, 0}, 24},    /* protocols */
	{{192, 0, 2}, 24},    /* documentation */
	{{192, 88, 99}, 24},  /* 6to4 relays */
	{{192, 168}, 16},     /* private */
	{{198, 18}, 15},      /* benchmarks */
	{{198, 51, 100}, 24}, /* documentation */
	{{203, 0, 113}, 24},  /* documentation */
	{{224}, 3},           /* multicast, reserved, broadcast */
	{{0}, 0}
};

/* Unicast is given out of here; so loopback, mapped, translated, unique-local, link-local and multicast are outside. */
static const struct range open6[] = {
	{{0x20}, 3},
	{{0}, 0}
};
static const struct range closed6[] = {
	{{0x20, 0x01}, 23},             /* protocols, Teredo */
	{{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
	{{0x20, 0x02}, 16},             /* 6to4: an IPv4 address within */
	{{0x3f, 0xff}, 20},             /* documentation */
	{{0}, 0}
};
/* clang-format on */

static bool
within(const struct range *range, const unsigned char *bytes)
{
	for (; range->bits > 0; range++) {
		size_t whole = (size_t)range->bits / 8;
		unsigned mask = 0xff00u >> (range->bits % 8) & 0xffu;

		if (memcmp(range->bytes, bytes, whole) == 0 &&
		    ((range->bytes[whole] ^ bytes[whole]) & mask) == 0)
			return true;
	}
	return false;
}

bool
address_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof in);
		return !within(closed4, (const unsigned char *)&in.sin_addr);
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in;

		memcpy(&in, address, sizeof in);
		return within(open6, in.sin6_addr.s6_addr) &&
		       !within(closed6, in.sin6_addr.s6_addr);
	}
	return false;
}
