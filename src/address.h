/*
** address.h: which network addresses are this machine, private, or public.
*/
#ifndef RW_ADDRESS_H
#define RW_ADDRESS_H

#include <stdbool.h>

#include <sys/socket.h>

#pragma GCC visibility push(hidden)

typedef enum { RW_ADDR_PUBLIC, RW_ADDR_PRIVATE, RW_ADDR_LOOPBACK } rw_address;

/* What kind of address a socket address is; an unknown family is private. */
rw_address rw_address_of (const struct sockaddr *a);

/* Takes an address as text apart: 4 or 16 bytes go to `to` and 4 or 6 is
** returned; 0 for what is no address. A zone ("%eth0") is passed over. */
int rw_address_parse (const char *text, unsigned char to[16]);

/* Is this text an address, and not a name? */
bool rw_address_is_text (const char *text);

/* The same for an address as text ("10.0.0.1", "fe80::1"). */
rw_address rw_address_of_text (const char *text);

#pragma GCC visibility pop

#endif
