/* address.h -- which addresses are on the open internet. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Whether an address can be anybody's: not private, loopback, link-local, shared (CGNAT), multicast, reserved, or an IPv4
 * address in IPv6's clothes.  What is neither IPv4 nor IPv6 is not. */
bool address_public(const struct sockaddr *address);

#endif
