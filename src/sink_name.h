/*
** sink_name.h: what a .part is called, and whose it is. sink.h tells why.
*/
#ifndef RW_SINK_NAME_H
#define RW_SINK_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#pragma GCC visibility push(hidden)

/*
** The n-th name beside `path`, from 0, or NULL without memory; to be freed.
** `shorter`: no longer than the target's own, whether the file system counts
** bytes or characters.
*/
char *rw_sink_name (const char *path, int n, bool shorter);

/* Marks an open .part as ours, with a text; false: not on this file system. */
bool rw_sink_mark (int fd, const char *text);
void rw_sink_unmark (int fd);

/* The text of the mark; false: there is none, or it is longer than `room` - 1. */
bool rw_sink_read_mark (int fd, char *text, size_t room);

/* `named`: its name says that it is ours, should no mark be possible. */
bool rw_sink_is_ours (int fd, const struct stat *st, bool named);

#pragma GCC visibility pop

#endif
