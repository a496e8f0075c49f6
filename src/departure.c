/*
** departure.c: a request's body as it leaves: texts from where they lie, what the disk
** stage has put together, a file, a form, or parts that are read as libcurl asks.
*/
#include "system.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "body.h"
#include "departure.h"
#include "handles.h"


/*
** Bytes of an input, from the descriptor that the disk stage has opened. Here and
** below are the places where the network thread reads a file, as far as the kernel
** has not read it ahead: it may be larger than memory, and libcurl asks when it has
** room. What is encoded, and little, was read before.
*/
static size_t departure_on_read (char *to, size_t size, size_t n, void *data) {
  const int *fd = data;
  ssize_t got;
  do got = read(*fd, to, size * n);
  while (got < 0 && errno == EINTR);
  return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}


/* The same of a body whose files were read once already. */
static size_t departure_on_body (char *to, size_t size, size_t n, void *data) {
  ssize_t got = rw_body_read(data, to, size * n);
  return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}


/* libcurl begins a request anew that another server is to have. */
static int departure_on_rewind (void *data, curl_off_t offset, int origin) {
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  rw_body_rewind(data);
  return CURL_SEEKFUNC_OK;
}


/* The body: what the disk stage has put together, or the parts, all texts. A
** single one, the usual case, is sent from where it lies. */
static bool add_body (rw_request *r) {
  const char *body = r->upload.data;
  size_t len = r->upload.len;
  if (!body && r->nparts == 1) {
    body = r->parts[0].text;
    len = r->parts[0].len;
  }
  else if (!body) {
    for (size_t i = 0; i < r->nparts; i++)
      if (!rw_buffer_append(&r->upload, r->parts[i].text, r->parts[i].len)) return false;
    body = r->upload.data;
    len = r->upload.len;
  }
  r->upload_size = (int64_t)len;
  return rw_set(r, POSTFIELDSIZE_LARGE, (curl_off_t)len) &&
         rw_set(r, POSTFIELDS, body ? body : "");
}


static bool add_stream (rw_request *r) {
  r->upload_size = rw_body_length(r);
  return rw_set(r, POST, 1L) && rw_set(r, POSTFIELDSIZE_LARGE, (curl_off_t)r->upload_size) &&
         rw_set(r, READFUNCTION, departure_on_body) && rw_set(r, READDATA, r) &&
         rw_set(r, SEEKFUNCTION, departure_on_rewind) && rw_set(r, SEEKDATA, r);
}


static bool add_field (curl_mimepart *part, rw_field *f) {
  const char *slash = f->path ? strrchr(f->path, '/') : NULL;
  const char *name = f->filename ? f->filename : slash ? slash + 1
                                                       : f->path;
  if (!part || curl_mime_name(part, f->name) != CURLE_OK) return false;
  if (f->value) return curl_mime_data(part, f->value, f->len) == CURLE_OK;
  return curl_mime_data_cb(part, (curl_off_t)f->size, departure_on_read, NULL, NULL,
                           &f->fd) == CURLE_OK &&
         curl_mime_filename(part, name) == CURLE_OK &&
         (!f->type || curl_mime_type(part, f->type) == CURLE_OK);
}


static bool add_form (rw_request *r) {
  r->mime = curl_mime_init(r->easy);
  if (!r->mime) return false;
  r->upload_size = 0; /* at least what its files hold */
  for (size_t i = 0; i < r->nfields; i++)
    r->upload_size += r->fields[i].path ? r->fields[i].size : (int64_t)r->fields[i].len;
  for (size_t i = 0; i < r->nfields; i++)
    if (!add_field(curl_mime_addpart(r->mime), &r->fields[i])) return false;
  return rw_set(r, MIMEPOST, r->mime);
}


static bool add_file (rw_request *r) {
  return rw_set(r, UPLOAD, 1L) &&
         rw_set(r, READFUNCTION, departure_on_read) && rw_set(r, READDATA, &r->upload_fd) &&
         rw_set(r, INFILESIZE_LARGE, (curl_off_t)r->upload_size);
}


/* GET with nothing else, which a handle that is used again may not be left with. */
static bool add_nothing (rw_request *r) {
  const char *method = strcmp(r->method, "GET") == 0 ? NULL : r->method;
  return rw_set(r, HTTPGET, 1L) && rw_set(r, CUSTOMREQUEST, method);
}


bool rw_departure_set (rw_request *r) {
  if (r->nfields) return add_form(r) && rw_set(r, CUSTOMREQUEST, r->method);
  if (r->file) return add_file(r) && rw_set(r, CUSTOMREQUEST, r->method);
  if (strcmp(r->method, "HEAD") == 0) return rw_set(r, NOBODY, 1L);
  if (r->streams) return add_stream(r) && rw_set(r, CUSTOMREQUEST, r->method);
  if (r->nparts || strcmp(r->method, "POST") == 0)
    return add_body(r) && rw_set(r, CUSTOMREQUEST, r->method);
  return add_nothing(r);
}
