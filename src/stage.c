/*
** stage.c: what is done for a request on the disk.
*/
#include "system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "body.h"
#include "file.h"
#include "film.h"
#include "media.h"
#include "resume.h"
#include "sha256.h"
#include "stage.h"

#define STAGE_SMALL 1048576    /* bytes of files that are encoded ahead, in memory */
#define STAGE_PIECE (64 * 1024)


void rw_stage_fail (rw_request *r, int err) {
  char text[sizeof r->error.message];
  bool permanent;
  const char *code = rw_sink_code(err, &permanent);
  rw_sink_tell(&r->sink, err, text, sizeof text);
  rw_fail(&r->error, err == EOVERFLOW ? RW_LIMIT : err == EILSEQ ? RW_PROTOCOL : RW_IO,
          code, "%s", text);
  r->error.permanent = permanent;
}


/*
** {=================================================================
** Before
** ==================================================================
*/

static bool has_file_parts (const rw_request *r) {
  for (size_t i = 0; i < r->nparts; i++)
    if (!r->parts[i].text) return true;
  return false;
}


bool rw_stage_to_prepare (const rw_request *r) {
  if (r->op != RW_HTTP || r->sink.path || r->file || has_file_parts(r)) return true;
  for (size_t i = 0; i < r->nfields; i++)
    if (r->fields[i].path) return true;
  return false;
}


static void stage_lacks_memory (rw_request *r) {
  rw_fail(&r->error, RW_LIMIT, "memory", "no memory for the request");
}


/* Reads it all, so that the network thread finds it in memory, as long as there is
** enough: it can wait for no disk. And what cannot be read is known before it leaves. */
static bool stage_read_ahead (rw_request *r) {
  char piece[STAGE_PIECE];
  ssize_t n = 1;
  while (n > 0 && !atomic_load(&r->stop)) n = rw_body_read(r, piece, sizeof piece);
  rw_body_rewind(r);
  return n >= 0;
}


/* The body from its parts, in memory. */
static bool stage_assemble (rw_request *r) {
  size_t length = (size_t)rw_body_length(r);
  ssize_t n = -1;
  if (!rw_buffer_reserve(&r->upload, length)) stage_lacks_memory(r);
  else n = rw_body_read(r, r->upload.data, length);
  rw_body_close(r);
  if (n < 0) return false;
  r->upload.len = length;
  r->upload.data[length] = '\0';
  return true;
}


/* Files become data URIs: now if there is little of them, else as they leave. */
static bool stage_body (rw_request *r) {
  if (!rw_body_open(r)) return false;
  r->streams = rw_body_files(r) > STAGE_SMALL;
  return r->streams ? stage_read_ahead(r) : stage_assemble(r);
}


/* A file that is sent as it is. */
static int stage_open (rw_request *r, const char *path, int64_t *size) {
  char shown[RW_SHOWN_PATH];
  int fd = rw_file_open(path, size), err = errno;
  if (fd >= 0) return fd;
  rw_file_show(path, shown, sizeof shown);
  rw_fail(&r->error, RW_IO, rw_file_none_left(err) ? "descriptors" : "open",
          "cannot read %s: %s", shown,
          err == EINVAL ? "it is not a plain file" : strerror(err));
  r->error.permanent = !rw_file_none_left(err);
  return fd;
}


static bool stage_open_inputs (rw_request *r) {
  for (size_t i = 0; i < r->nfields; i++) {
    rw_field *f = &r->fields[i];
    if (f->path && (f->fd = stage_open(r, f->path, &f->size)) < 0) return false;
  }
  if (!r->file) return true;
  r->upload_fd = stage_open(r, r->file, &r->upload_size);
  return r->upload_fd >= 0;
}


/* Takes in a piece of r->file; false: no more of it is wanted. */
static bool stage_take (rw_request *r, rw_sha256 *sum, const unsigned char *piece, size_t n) {
  r->media_size += (int64_t)n;
  if (sum) {
    rw_sha256_add(sum, piece, n);
    return true;
  }
  if (r->media_size > RW_READ_MOST)
    rw_fail(&r->error, RW_LIMIT, "too_large", "a file is longer than %d bytes", RW_READ_MOST);
  else if (!rw_buffer_append(&r->body, piece, n))
    rw_fail(&r->error, RW_LIMIT, "memory", "no memory for what is in a file");
  return r->error.kind == RW_OK;
}


/* Reads r->file to its end: into the sum, or r->body. */
static void stage_read (rw_request *r, rw_sha256 *sum) {
  char shown[RW_SHOWN_PATH];
  unsigned char piece[16384];
  ssize_t n;
  int fd = stage_open(r, r->file, &r->media_size);
  if (fd < 0) return;
  r->media_size = 0;
  while ((n = read(fd, piece, sizeof piece)) != 0 && !atomic_load(&r->stop)) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 || !stage_take(r, sum, piece, (size_t)n)) break;
  }
  if (n < 0) {
    rw_file_show(r->file, shown, sizeof shown);
    rw_fail(&r->error, RW_IO, "read", "cannot read %s: %s", shown, strerror(errno));
  }
  (void)close(fd);
}


/* The sum of r->file, into r->body, and how many bytes it was taken of. */
static void stage_digest (rw_request *r) {
  char hex[RW_SHA256_HEX + 1];
  rw_sha256 s;
  rw_sha256_begin(&s);
  stage_read(r, &s);
  rw_sha256_end(&s, hex);
  if (r->error.kind == RW_OK && !rw_buffer_append(&r->body, hex, RW_SHA256_HEX))
    rw_fail(&r->error, RW_LIMIT, "memory", "no memory for the sum of a file");
}


/* r->upload at the target, whole or not at all. */
static void stage_write (rw_request *r) {
  int err;
  r->sink.stop = &r->stop;
  err = rw_sink_open(&r->sink);
  if (!err) err = rw_sink_write(&r->sink, r->upload.data, r->upload.len);
  if (!err) err = rw_sink_commit(&r->sink);
  if (err == ECANCELED) return;
  if (err) rw_stage_fail(r, err);
  rw_sink_abandon(&r->sink);
}


/* What is there of its file, and the rest of it to be asked for. */
static bool stage_recall (rw_request *r) {
  if (r->anew) return true;
  rw_sink_recall(&r->sink, r->start, sizeof r->start);
  r->started = r->sink.old.started;
  return rw_resume_ask(r);
}


void rw_stage_prepare (rw_request *r) {
  int err;
  if (r->op == RW_DIGEST) {
    stage_digest(r);
    return;
  }
  if (r->op == RW_READ) {
    stage_read(r, NULL);
    return;
  }
  if (r->op == RW_PROBE) {
    rw_media_probe(r);
    return;
  }
  if (r->op == RW_WRITE) {
    stage_write(r);
    return;
  }
  if (r->op == RW_TARGET || r->op == RW_PLACE) {
    err = r->op == RW_PLACE ? rw_sink_put(&r->sink, r->file) : rw_sink_try(&r->sink);
    if (err) rw_stage_fail(r, err);
    return;
  }
  r->sink.stop = &r->stop;
  if (r->sink.path && (err = rw_sink_open(&r->sink)) != 0) rw_stage_fail(r, err);
  else if (r->sink.path && !stage_recall(r)) stage_lacks_memory(r);
  else if (has_file_parts(r)) (void)stage_body(r);
  if (r->error.kind == RW_OK) (void)stage_open_inputs(r);
}

/* }================================================================= */


/*
** {=================================================================
** After
** ==================================================================
*/

static bool is_whole (const rw_request *r) {
  return r->sink.fd >= 0 && (r->status == 200 || r->filing) && r->error.kind == RW_OK;
}


/* Is what is there not to be gone on with? Of what was found nothing says so but
** that the file is another by now. */
static bool is_spoilt (const rw_request *r) {
  static const char *const words[] = {"changed", "bad_media", "partial", "too_large"};
  size_t n = r->sink.found ? 1 : sizeof words / sizeof *words;
  if (r->error.kind != RW_PROTOCOL && r->error.kind != RW_LIMIT) return false;
  for (size_t i = 0; i < n; i++)
    if (strcmp(r->error.code, words[i]) == 0) return true;
  return false;
}


bool rw_stage_to_commit (const rw_request *r) {
  return is_whole(r) || (!r->sink.found && rw_sink_kept(&r->sink) > 0 && !is_spoilt(r) &&
                         !atomic_load(&r->stop));
}


bool rw_stage_to_release (const rw_request *r) {
  if (r->sink.fd >= 0 || r->upload_fd >= 0) return true;
  for (size_t i = 0; i < r->nfields; i++)
    if (r->fields[i].fd >= 0) return true;
  for (size_t i = 0; i < r->nparts; i++)
    if (r->parts[i].fd >= 0) return true;
  return false;
}


static void stage_close (int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}


/* Where no one told how long a file is, a film may: libcurl has taken the
** middle of one for its end. */
static bool is_cut_off (rw_request *r) {
  int64_t lacks = 0;
  if (r->only_media && r->length < 0 && r->total < 0)
    lacks = rw_film_lacks(r->sink.fd, r->sink.written);
  if (lacks > 0)
    rw_fail(&r->error, RW_NETWORK, "closed",
            "the answer, of a length that was not told, ended %lld bytes before the end of the "
            "film", (long long)lacks);
  return lacks > 0;
}


/* Gives a whole file its name. */
static void stage_finish (rw_request *r) {
  int err;
  r->bytes = r->sink.written;
  err = atomic_load(&r->stop) ? ECANCELED
                              : rw_sink_commit(&r->sink);  /* named only now */
  if (err == ECANCELED) rw_fail(&r->error, RW_CANCELLED, "cancelled", "cancelled");
  else if (err) rw_stage_fail(r, err);
  else rw_sha256_end(&r->sink.sum, r->sum);
}


void rw_stage_commit (rw_request *r) {
  if (is_whole(r) && !is_cut_off(r)) stage_finish(r);
  else rw_sink_settle(&r->sink);
  rw_stage_release(r);
}


void rw_stage_release (rw_request *r) {
  for (size_t i = 0; i < r->nfields; i++) stage_close(&r->fields[i].fd);
  stage_close(&r->upload_fd);
  rw_body_close(r);
  if (is_spoilt(r)) rw_sink_spoil(&r->sink);
  r->kept = rw_sink_kept(&r->sink);
  rw_sink_abandon(&r->sink);
}

/* }================================================================= */
