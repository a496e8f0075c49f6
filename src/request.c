/*
** request.c: making and releasing requests; saying what went wrong with one.
*/
#include "system.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "request.h"


void rw_fail (rw_error *e, rw_errkind kind, const char *code,
              const char *format, ...) {
  va_list args;
  if (e->kind != RW_OK) return;
  e->kind = kind;
  e->code = code;
  e->permanent = kind == RW_INVALID || kind == RW_IO;
  va_start(args, format);
  (void)vsnprintf(e->message, sizeof e->message, format, args);
  va_end(args);
}


static void request_begin (rw_request *r) {
  r->sink.fd = r->upload_fd = -1;
  r->length = r->total = r->upload_size = -1;
  atomic_init(&r->stop, false);
  atomic_init(&r->received, 0);
  atomic_init(&r->expected, -1);
}


rw_request *rw_request_new (void) {
  rw_request *r = calloc(1, sizeof *r);
  if (r) request_begin(r);
  return r;
}


static void request_release (rw_request *r) {
  for (size_t i = 0; i < r->nparts; i++) {
    free(r->parts[i].text);
    free(r->parts[i].path);
    if (r->parts[i].fd >= 0) close(r->parts[i].fd);
  }
  for (size_t i = 0; i < r->nfields; i++) {
    free(r->fields[i].name);
    free(r->fields[i].value);
    free(r->fields[i].path);
    free(r->fields[i].filename);
    free(r->fields[i].type);
    if (r->fields[i].fd >= 0) close(r->fields[i].fd);
  }
  free(r->parts);
  free(r->fields);
  free(r->method);
  free(r->url);
  free(r->file);
  for (char **word = r->argv; word && *word; word++) free(*word);
  free(r->argv);
  free(r->proxy);
  free(r->ca_file);
  free(r->ca_dir);
  free(r->redirect);
  if (r->easy) curl_easy_cleanup(r->easy);   /* before what it points to */
  curl_slist_free_all(r->headers);
  curl_slist_free_all(r->pins);
  curl_mime_free(r->mime);
  if (r->upload_fd >= 0) close(r->upload_fd);
  rw_sink_free(&r->sink);
  rw_buffer_free(&r->head);
  rw_buffer_free(&r->body);
  rw_buffer_free(&r->upload);
}


void rw_request_renew (rw_request *r) {
  request_release(r);
  memset(r, 0, sizeof *r);
  request_begin(r);
}


void rw_request_free (rw_request *r) {
  if (!r) return;
  request_release(r);
  free(r);
}
