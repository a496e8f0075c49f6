/*
** beside.h: functions of the libraries that libcurl itself uses, so that runway
** needs none of them to be built or linked.
*/
#ifndef RW_BESIDE_H
#define RW_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Puts the address of each name into the pointer to a function at its side;
** false when one is missing, as in a libcurl that holds its libraries inside. */
typedef struct rw_beside {
  const char *name;
  void *function;              /* the address of a pointer to a function */
} rw_beside;

bool rw_beside_curl (const rw_beside *list, size_t n);

/* The same of OpenSSL's, where that is what libcurl uses: others bear its names. */
bool rw_beside_openssl (const rw_beside *list, size_t n);

#pragma GCC visibility pop

#endif
