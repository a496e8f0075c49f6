/*
** sink_note.c: what a .part holds, told in its mark.
*/
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sink_name.h"
#include "sink_note.h"

/* Names the time since the machine came up: 36 characters where that can be had. */
#define BOOT_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ROOM 40

#define NOTE_ROOM (RW_SHA256_HEX + RW_VALIDATOR + BOOT_ROOM + 64)


static void this_boot (char id[BOOT_ROOM]) {
  int fd = open(BOOT_FILE, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, id, BOOT_ROOM - 1) : 0;
  if (fd >= 0) close(fd);
  id[n > 0 ? n : 0] = '\0';
  id[strcspn(id, "\n")] = '\0';
}


bool rw_note_write (int fd, const char *whose, const rw_note *note) {
  char text[NOTE_ROOM], boot[BOOT_ROOM];
  int n = 0;
  this_boot(boot);
  if (whose && note->validator[0])
    n = snprintf(text, sizeof text, "%s\n%lld\n%s\n%lld\n%s", whose,
                 (long long)note->total, boot, (long long)note->safe, note->validator);
  if (n > 0 && (size_t)n < sizeof text && rw_sink_mark(fd, text)) return true;
  (void)rw_sink_mark(fd, "1");
  return false;
}


/* The line at *p, which is moved behind it; NULL when there is none. */
static char *next_line (char **p) {
  char *line = *p, *end = line ? strchr(line, '\n') : NULL;
  if (end) *end = '\0';
  *p = end ? end + 1 : NULL;
  return line;
}


static bool note_number (const char *line, int64_t *n) {
  char *end;
  if (!line || !*line) return false;
  *n = strtoll(line, &end, 10);
  return *end == '\0';
}


bool rw_note_read (int fd, const char *whose, rw_note *note) {
  char text[NOTE_ROOM], boot[BOOT_ROOM], *p = text;
  const char *its, *its_boot, *validator;
  if (!whose || !rw_sink_read_mark(fd, text, sizeof text)) return false;
  its = next_line(&p);
  if (strcmp(its, whose) != 0 || !note_number(next_line(&p), &note->total)) return false;
  its_boot = next_line(&p);
  if (!note_number(next_line(&p), &note->safe)) return false;
  validator = next_line(&p);
  if (!validator || !*validator || strlen(validator) >= sizeof note->validator) return false;
  memcpy(note->validator, validator, strlen(validator) + 1);
  this_boot(boot);
  if (*boot && strcmp(its_boot, boot) == 0) note->safe = INT64_MAX;
  return true;
}


/* The last bytes of all that were read so far. */
static void keep_tail (rw_recall *w, const char *bytes, size_t n) {
  if (n >= RW_OVERLAP) {
    memcpy(w->tail, bytes + n - RW_OVERLAP, RW_OVERLAP);
  } else {
    memmove(w->tail, w->tail + n, RW_OVERLAP - n);
    memcpy(w->tail + RW_OVERLAP - n, bytes, n);
  }
}


bool rw_note_recall (int fd, int64_t most, rw_recall *w, const _Atomic bool *stop) {
  char piece[16384];
  ssize_t n;
  w->have = 0;
  w->started = 0;
  rw_sha256_begin(&w->sum);
  if (lseek(fd, 0, SEEK_SET) != 0) return false;
  while (w->have < most) {
    int64_t want = most - w->have < (int64_t)sizeof piece ? most - w->have
                                                         : (int64_t)sizeof piece;
    size_t first = w->room - w->started;
    n = read(fd, piece, (size_t)want);
    if (n == 0) break;
    if (stop && atomic_load(stop)) return false;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (first > (size_t)n) first = (size_t)n;
    memcpy(w->start + w->started, piece, first);
    w->started += first;
    rw_sha256_add(&w->sum, piece, (size_t)n);
    keep_tail(w, piece, (size_t)n);
    w->have += n;
  }
  return true;
}
