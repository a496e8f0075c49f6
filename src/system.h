/*
** system.h: which of the system's names the C files see; each includes this
** before anything else, so that no flag of a host's build has to say it.
**
** glibc hides what is not in ISO C under -std=c11. Elsewhere nothing is hidden.
*/
#ifndef RW_SYSTEM_H
#define RW_SYSTEM_H

#ifdef __cplusplus
#error "runway is C: compile this with cc; a program in C++ is linked with what comes of it, and includes runway.h"
#endif

#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE   /* NOLINT: the system has reserved this name for us to define */
#endif

struct rw_system;     /* ISO C wants something in each file, also in one that is left out */

#endif
