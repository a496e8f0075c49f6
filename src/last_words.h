/*
** last_words.h: lines for standard error, said when the process ends before
** they were taken back: by exit, or by a signal that no one handles; and when
** the one that left them ends. Whose a line is says an address.
*/
#ifndef RW_LAST_WORDS_H
#define RW_LAST_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

#define RW_LAST_WORD 400       /* bytes of a line; the longest id has 512 */

/* Keeps a line of `n` bytes (cut where it is too long); its number, or -1
** when there is no memory. */
int rw_words_leave (const void *whose, const char *line, size_t n);
void rw_words_take_back (const void *whose, int number);
void rw_words_say (const void *whose);  /* now, each once; NULL: everyone's */

/* Says what still stands of someone's, and gives all of their places back. */
void rw_words_end (const void *whose);

/* SIGINT, SIGTERM, SIGHUP and SIGPIPE say the lines before they end the process,
** where nobody handles them and there are any. A host's handler is called by ours;
** when it gives way to the default, ours follows. To be called again when another
** handler may have left. With the last line taken back all are as they were. */
void rw_words_guard_signals (void);

#pragma GCC visibility pop

#endif
