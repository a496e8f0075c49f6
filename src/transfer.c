/*
** transfer.c: one HTTP exchange over a libcurl easy handle.
**
** The promise kept here: a paid request leaves this machine at most once.
** libcurl repeats a request by itself when a connection it reused dies before
** the answer; so a paid request gets a fresh connection, and a gate in the
** pre-request callback (asked each time a request is about to be written)
** lets the first pass and aborts every later one. The gate is also the line
** between "nothing was sent" and "it may have arrived".
*/
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "media.h"
#include "proxy.h"
#include "transfer.h"
#include "url.h"

/* All header bytes of one exchange, 1xx answers and trailers included. */
#define MAX_HEAD (256 * 1024)
#define MAX_LINES 1000

/* What libcurl reads at a time into a file: twice as fast as its default. */
#define FILE_CHUNK (512 * 1024)

static const char forbidden_address[] =
  "the address leads to a private network or this machine, or http leads off "
  "this machine; see allow_private and allow_http";


/*
** {=================================================================
** Callbacks: bytes into C buffers, nothing else
** ==================================================================
*/

/* May a connection lead to this kind of address? */
static bool may_reach (const rw_request *r, rw_address kind, bool plain) {
  if (plain && !r->allow_http && kind != RW_ADDR_LOOPBACK) return false;
  switch (r->reach) {
    case RW_PUBLIC: return kind == RW_ADDR_PUBLIC;
    case RW_PUBLIC_OR_LOOPBACK: return kind != RW_ADDR_PRIVATE;
    default: return true;
  }
}


static bool is_plain (const rw_request *r) {
  return strncasecmp(r->url, "http:", 5) == 0;
}


static curl_socket_t on_socket (void *data, curlsocktype purpose,
                                struct curl_sockaddr *address) {
  rw_request *r = data;
  int type = address->socktype, fd;
  (void)purpose;
  /* through a proxy it is the proxy's address, not the target's */
  if (!r->via_proxy && !may_reach(r, rw_address_of(&address->addr), is_plain(r))) {
    r->refused = true;
    return CURL_SOCKET_BAD;
  }
#ifdef SOCK_CLOEXEC
  type |= SOCK_CLOEXEC;
#endif
  fd = socket(address->family, type, address->protocol);
  if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
    rw_fail(&r->error, RW_IO, "descriptors",
            "no file descriptor left for a connection");
    r->error.permanent = false;
  }
  r->opened = fd >= 0 || r->opened;
  return fd >= 0 ? fd : CURL_SOCKET_BAD;
}


/* The gate. Also asked for connections that are reused, so it looks again. */
static int on_request (void *data, char *ip, char *local, int port, int lport) {
  rw_request *r = data;
  (void)local; (void)port; (void)lport;
  if (!r->via_proxy && !may_reach(r, rw_address_of_text(ip), is_plain(r))) {
    r->refused = true;
    return CURL_PREREQFUNC_ABORT;
  }
  if (r->passes++ > 0 && r->gate) return CURL_PREREQFUNC_ABORT;
  r->sent = true;
  return CURL_PREREQFUNC_OK;
}


/* libcurl lets lengths pass that cannot be: checked here. True when it can be. */
static bool check_length (rw_request *r, const char *line, size_t n) {
  static const char name[] = "content-length:";
  const char *p = line + sizeof name - 1, *end = line + n;
  int64_t length = 0;
  if (n < sizeof name || strncasecmp(line, name, sizeof name - 1) != 0) return true;
  while (end > p && isspace((unsigned char)end[-1])) end--;
  while (p < end && isspace((unsigned char)*p)) p++;
  if (p == end || end - p > 18) return false;
  for (; p < end; p++) {
    if (!isdigit((unsigned char)*p)) return false;
    length = length * 10 + (*p - '0');
  }
  if (r->length >= 0 && r->length != length) return false;
  r->length = length;
  return true;
}


static size_t on_header (char *line, size_t size, size_t n, void *data) {
  rw_request *r = data;
  n *= size;
  if (n > MAX_HEAD - r->head_seen || ++r->head_lines > MAX_LINES) {
    rw_fail(&r->error, RW_LIMIT, "too_large",
            "the answer's headers are larger than %d KiB or %d lines",
            MAX_HEAD / 1024, MAX_LINES);
    return 0;
  }
  r->head_seen += n;
  if (memchr(line, '\0', n)) {
    rw_fail(&r->error, RW_PROTOCOL, "bad_header", "a header holds a NUL byte");
    return 0;
  }
  if (n > 5 && memcmp(line, "HTTP/", 5) == 0) {
    rw_buffer_clear(&r->head);
    r->head_whole = false;
    r->length = -1;
  }
  if (n <= 2) r->head_whole = true;      /* the empty line that ends a block */
  if (!check_length(r, line, n)) {
    rw_fail(&r->error, RW_PROTOCOL, "bad_header",
            "the answer's Content-Length is no length, or there are two");
    return 0;
  }
  if (!rw_buffer_append(&r->head, line, n)) {
    rw_fail(&r->error, RW_LIMIT, "memory", "no memory for the answer's headers");
    return 0;
  }
  return n;
}


static void fail_sink (rw_request *r, int err) {
  if (err == EOVERFLOW)
    rw_fail(&r->error, RW_LIMIT, "too_large", "%s is larger than max_bytes (%lld)",
            r->sink.path, (long long)r->sink.max_bytes);
  else
    rw_fail(&r->error, RW_IO,
            err == EEXIST ? "exists" : err == EBUSY ? "locked"
                          : err == ENOSPC || err == EDQUOT ? "disk_full" : "file",
            "%s: cannot %s: %s", r->sink.path, r->sink.what, strerror(err));
  r->error.permanent = true;
}


static size_t on_body (char *bytes, size_t size, size_t n, void *data) {
  rw_request *r = data;
  n *= size;
  if (r->bytes == 0) {                   /* the answer's headers are known now */
    curl_off_t expected = -1;
    (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->status);
    (void)curl_easy_getinfo(r->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
                            &expected);
    atomic_store(&r->expected, (int64_t)expected);
  }
  if (r->sink.fd >= 0 && r->status == 200) {
    int err = rw_sink_write(&r->sink, bytes, n);
    if (err) {
      fail_sink(r, err);
      return 0;
    }
  } else if (n > r->max_body - r->body.len) {
    rw_fail(&r->error, RW_LIMIT, "too_large",
            "the answer is larger than max_body_bytes (%zu)", r->max_body);
    r->error.permanent = true;
    return 0;
  } else if (!rw_buffer_append(&r->body, bytes, n)) {
    rw_fail(&r->error, RW_LIMIT, "memory", "no memory for the answer");
    return 0;
  }
  r->bytes += (int64_t)n;
  atomic_store(&r->received, r->bytes);
  return n;
}


static size_t on_read (char *to, size_t size, size_t n, void *data) {
  rw_request *r = data;
  ssize_t got;
  do got = read(r->upload_fd, to, size * n);
  while (got < 0 && errno == EINTR);
  if (got >= 0) return (size_t)got;
  rw_fail(&r->error, RW_IO, "read", "cannot read %s: %s", r->file,
          strerror(errno));
  return CURL_READFUNC_ABORT;
}

/* }================================================================= */


/*
** {=================================================================
** Setting up
** ==================================================================
*/

#define set(r, option, value)  \
  (curl_easy_setopt((r)->easy, CURLOPT_##option, (value)) == CURLE_OK)


/* The body from its parts; files become data URIs. */
static bool assemble (rw_request *r) {
  for (size_t i = 0; i < r->nparts; i++) {
    rw_part *p = &r->parts[i];
    if (!p->text) {
      if (!rw_media_append(&r->upload, p->path, &r->error)) return false;
    } else if (!rw_buffer_append(&r->upload, p->text, p->len)) {
      rw_fail(&r->error, RW_LIMIT, "memory", "no memory for the request");
      return false;
    }
  }
  return set(r, POSTFIELDSIZE_LARGE, (curl_off_t)r->upload.len) &&
         set(r, POSTFIELDS, r->upload.data ? r->upload.data : "");
}


static bool readable (rw_request *r, const char *path) {
  struct stat st;
  if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, R_OK) == 0)
    return true;
  rw_fail(&r->error, RW_IO, "open", "cannot read %s", path);
  return false;
}


static bool add_form (rw_request *r) {
  r->mime = curl_mime_init(r->easy);
  if (!r->mime) return false;
  for (size_t i = 0; i < r->nfields; i++) {
    rw_field *f = &r->fields[i];
    curl_mimepart *part = curl_mime_addpart(r->mime);
    if (!part || curl_mime_name(part, f->name) != CURLE_OK) return false;
    if (f->value) {
      if (curl_mime_data(part, f->value, f->len) != CURLE_OK) return false;
      continue;
    }
    if (!readable(r, f->path)) return false;
    if (curl_mime_filedata(part, f->path) != CURLE_OK ||
        (f->filename && curl_mime_filename(part, f->filename) != CURLE_OK) ||
        (f->type && curl_mime_type(part, f->type) != CURLE_OK))
      return false;
  }
  return set(r, MIMEPOST, r->mime);
}


static bool add_file (rw_request *r) {
  struct stat st;
  r->upload_fd = open(r->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (r->upload_fd < 0 || fstat(r->upload_fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    rw_fail(&r->error, RW_IO, "open", "cannot read %s", r->file);
    return false;
  }
  return set(r, UPLOAD, 1L) &&
         set(r, READFUNCTION, on_read) && set(r, READDATA, r) &&
         set(r, INFILESIZE_LARGE, (curl_off_t)st.st_size);
}


static bool set_method (rw_request *r) {
  if (r->nfields) return add_form(r) && set(r, CUSTOMREQUEST, r->method);
  if (r->file) return add_file(r) && set(r, CUSTOMREQUEST, r->method);
  if (strcmp(r->method, "GET") == 0 && !r->nparts) return set(r, HTTPGET, 1L);
  if (strcmp(r->method, "HEAD") == 0) return set(r, NOBODY, 1L);
  if (r->nparts || strcmp(r->method, "POST") == 0)
    return assemble(r) && set(r, CUSTOMREQUEST, r->method);
  return set(r, CUSTOMREQUEST, r->method);
}


/*
** Certificates: named by file and not by directory, since only then libcurl
** keeps them parsed between connections (16 ms each otherwise).
*/
static bool set_trust (rw_request *r) {
  const char *file = r->ca_file;
  if (!file) {
    char *built_in = NULL;
    (void)curl_easy_getinfo(r->easy, CURLINFO_CAINFO, &built_in);
    file = built_in;
  }
  if (file && (!set(r, CAINFO, file) || !set(r, CAPATH, NULL))) return false;
  return set(r, SSL_VERIFYPEER, 1L) && set(r, SSL_VERIFYHOST, 2L) &&
         set(r, SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}


/* An https:// proxy is trusted as the server is. A libcurl whose TLS cannot be
** told so says it when the proxy is used. */
static bool set_proxy_trust (rw_request *r) {
  const char *file = r->ca_file;
  if (file && curl_strnequal(r->proxy, "https:", 6))
    (void)(set(r, PROXY_CAINFO, file) && set(r, PROXY_CAPATH, NULL));
  return set(r, PROXY_SSL_VERIFYPEER, 1L) && set(r, PROXY_SSL_VERIFYHOST, 2L) &&
         set(r, PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}


/* The proxy that was read with the request, and no other. */
static bool set_proxy (rw_request *r) {
  r->via_proxy = r->proxy && *r->proxy;
  if (r->via_proxy && !set_proxy_trust(r)) return false;
  return set(r, PROXY, r->proxy ? r->proxy : "") && set(r, NOPROXY, "");
}


static bool set_options (rw_request *r) {
  return
    set(r, URL, r->url) && set_method(r) && set_trust(r) && set_proxy(r) &&
    set(r, PROTOCOLS_STR, "http,https") &&
    set(r, FOLLOWLOCATION, 0L) &&
    set(r, HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) &&
    set(r, FRESH_CONNECT, r->gate ? 1L : 0L) &&
    set(r, PREREQFUNCTION, on_request) && set(r, PREREQDATA, r) &&
    set(r, OPENSOCKETFUNCTION, on_socket) && set(r, OPENSOCKETDATA, r) &&
    set(r, HEADERFUNCTION, on_header) && set(r, HEADERDATA, r) &&
    set(r, WRITEFUNCTION, on_body) && set(r, WRITEDATA, r) &&
    set(r, HTTPHEADER, r->headers) &&
    set(r, CONNECT_TO, r->pins) &&
    set(r, TIMEOUT_MS, r->timeout_ms) &&
    set(r, CONNECTTIMEOUT_MS, r->connect_ms) &&
    set(r, LOW_SPEED_LIMIT, r->stall_s ? 1L : 0L) &&
    set(r, LOW_SPEED_TIME, r->stall_s) &&
    set(r, BUFFERSIZE, r->sink.path ? (long)FILE_CHUNK : (long)CURL_MAX_WRITE_SIZE) &&
    /* a look-up that is given up must not hold up the transfers beside it */
    set(r, QUICK_EXIT, 1L) &&
    set(r, TCP_NODELAY, 1L) && set(r, NOSIGNAL, 1L) &&
    set(r, ERRORBUFFER, r->errbuf) && set(r, PRIVATE, r);
}


bool rw_transfer_begin (rw_request *r) {
  rw_url url;
  const char *refused = rw_url_check(r->url, strlen(r->url), &url);
  if (refused) {
    rw_fail(&r->error, RW_INVALID, "url", "%s", refused);
  } else if (is_plain(r) && !url.loopback && !r->allow_http) {
    rw_fail(&r->error, RW_INVALID, "forbidden_url",
            "http (without TLS) is for this machine only; use https, or set "
            "allow_http");
  } else if ((url.literal || url.localhost) && !may_reach(r, url.address, false)) {
    rw_fail(&r->error, RW_INVALID, "forbidden_address", "%s", forbidden_address);
  } else if (r->sink.path) {
    int err = rw_sink_open(&r->sink);
    if (err) fail_sink(r, err);
  }
  if (r->error.kind == RW_OK) {
    r->easy = curl_easy_init();
    if (!r->easy || !set_options(r))
      rw_fail(&r->error, RW_LIMIT, "memory", "no memory for a transfer");
  }
  if (r->error.kind == RW_OK) return true;
  rw_transfer_drop(r);
  return false;
}

/* }================================================================= */


/*
** {=================================================================
** What came of it
** ==================================================================
*/

static void tell (rw_request *r, CURLcode code, rw_errkind kind,
                  const char *word, bool permanent) {
  rw_fail(&r->error, kind, word, "%s",
          r->errbuf[0] ? r->errbuf : curl_easy_strerror(code));
  r->error.permanent = permanent;
}


/* Has the proxy answered in a way that trying again will not change? */
static bool proxy_refuses (rw_request *r) {
  long status = 0, why = 0;
  char name[200];
  if (!r->via_proxy) return false;
  (void)curl_easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &status);
  (void)curl_easy_getinfo(r->easy, CURLINFO_PROXY_ERROR, &why);
  rw_proxy_name(r->proxy, name, sizeof name);
  if (status == 401 || status == 407 || why == CURLPX_USER_REJECTED ||
      why == CURLPX_NO_AUTH) {
    rw_fail(&r->error, RW_NETWORK, "proxy", "%s takes no one without the right "
            "user name and password", name);
  } else if (status >= 400 && status < 500 && status != 408 && status != 429) {
    rw_fail(&r->error, RW_NETWORK, "proxy", "%s refuses to lead there (status "
            "%ld)", name, status);
  } else if (why == CURLPX_BAD_VERSION || why == CURLPX_REPLY_NOT_ALLOWED ||
             why == CURLPX_REPLY_COMMAND_NOT_SUPPORTED ||
             why == CURLPX_REPLY_ADDRESS_TYPE_NOT_SUPPORTED) {
    rw_fail(&r->error, RW_NETWORK, "proxy", "%s refuses to lead there, or is no "
            "SOCKS proxy of that version", name);
  } else {
    return false;
  }
  r->error.permanent = true;
  return true;
}


/* libcurl's code alone misleads; what our callbacks saw comes first. */
static void read_failure (rw_request *r, CURLcode code) {
  if (r->error.kind != RW_OK) return;    /* a callback said why */
  if (r->refused && !r->opened) {
    rw_fail(&r->error, RW_INVALID, "forbidden_address", "%s", forbidden_address);
    return;
  }
  if (!r->sent && proxy_refuses(r)) return;
  if (r->passes > 1 && r->gate) {
    rw_fail(&r->error, RW_NETWORK, "closed",
            "the connection was closed before an answer came");
    return;
  }
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      tell(r, code, RW_TIMEOUT, r->sent ? "answer" : "connect", false);
      break;
    case CURLE_COULDNT_RESOLVE_HOST:
      tell(r, code, RW_NETWORK, "dns", false);
      break;
    case CURLE_COULDNT_RESOLVE_PROXY: case CURLE_PROXY:
      tell(r, code, RW_NETWORK, "proxy", false);
      break;
    case CURLE_COULDNT_CONNECT:
      tell(r, code, RW_NETWORK, "connect", false);
      break;
    case CURLE_SSL_CONNECT_ERROR:
      tell(r, code, RW_NETWORK, "tls", false);
      break;
    case CURLE_PEER_FAILED_VERIFICATION: case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER: case CURLE_SSL_ISSUER_ERROR: case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS: case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ENGINE_NOTFOUND:
      tell(r, code, RW_NETWORK, "tls", true);
      break;
    case CURLE_UNSUPPORTED_PROTOCOL: case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING: case CURLE_HTTP2:
      tell(r, code, RW_PROTOCOL, "bad_response", false);
      break;
    case CURLE_OUT_OF_MEMORY:            /* also said of a header beyond its cap */
      if (r->sent) {
        rw_fail(&r->error, RW_LIMIT, "too_large", "a header of the answer is too "
                "large (or memory ran out)");
      } else {
        tell(r, code, RW_LIMIT, "memory", false);
      }
      break;
    case CURLE_READ_ERROR: case CURLE_FILE_COULDNT_READ_FILE:
      tell(r, code, RW_IO, "read", false);
      break;
    case CURLE_URL_MALFORMAT:
      tell(r, code, RW_INVALID, "url", true);
      break;
    default:                             /* reset, closed, truncated, ... */
      if (strstr(r->errbuf, "chunked-encoding"))
        tell(r, code, RW_PROTOCOL, "bad_response", false);
      else
        tell(r, code, RW_NETWORK, r->sent ? "closed" : r->via_proxy ? "proxy"
                                                                  : "connect",
             false);
  }
}


static void read_answer (rw_request *r) {
  char *redirect = NULL;
  curl_off_t total = 0, connect = 0;
  (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->status);
  (void)curl_easy_getinfo(r->easy, CURLINFO_REDIRECT_URL, &redirect);
  (void)curl_easy_getinfo(r->easy, CURLINFO_TOTAL_TIME_T, &total);
  (void)curl_easy_getinfo(r->easy, CURLINFO_APPCONNECT_TIME_T, &connect);
  if (connect == 0)
    (void)curl_easy_getinfo(r->easy, CURLINFO_CONNECT_TIME_T, &connect);
  r->total_s = (double)total / 1e6;
  r->connect_s = (double)connect / 1e6;
  if (redirect) r->redirect = strdup(redirect);
}


/* The value of a header of the last answer ("\nname:"), or NULL. */
static const char *header (const rw_request *r, const char *name) {
  size_t n = strlen(name);
  for (const char *p = r->head.data; p && (p = strchr(p, '\n')) != NULL; p++)
    if (strncasecmp(p, name, n) == 0) return p + n + strspn(p + n, " \t");
  return NULL;
}


/* Is a complete answer one that we can use? */
static void check_answer (rw_request *r) {
  const char *encoding = header(r, "\ncontent-encoding:");
  const char *type = header(r, "\ncontent-type:");
  if (!r->head_whole)                    /* libcurl lets this pass */
    rw_fail(&r->error, RW_NETWORK, "closed",
            "the connection was closed within the answer's headers");
  /* libcurl has let HTTP/2 streams end early; a file must be whole */
  if (r->length >= 0 && r->bytes != r->length && strcmp(r->method, "HEAD") != 0 &&
      r->status != 204 && r->status != 304)
    rw_fail(&r->error, RW_NETWORK, "closed",
            "the answer ended after %lld of %lld bytes", (long long)r->bytes,
            (long long)r->length);
  if (encoding && r->bytes > 0 && strncasecmp(encoding, "identity", 8) != 0)
    rw_fail(&r->error, RW_PROTOCOL, "encoding",
            "the answer is encoded as %.*s although that was not asked for",
            (int)strcspn(encoding, " \t\r\n;,"), encoding);
  if (r->sink.fd < 0 || r->status != 200) return;
  if (type && strncasecmp(type, "text/html", 9) == 0)
    rw_fail(&r->error, RW_PROTOCOL, "bad_media",
            "the server sent an HTML page instead of the file");
  if (r->sink.written == 0)
    rw_fail(&r->error, RW_PROTOCOL, "bad_media", "the file is empty");
}


/* The file gets its name only when all else is well. */
static void keep_file (rw_request *r) {
  int err;
  if (r->sink.fd < 0 || r->status != 200 || r->error.kind != RW_OK) return;
  err = rw_sink_commit(&r->sink);
  if (err) fail_sink(r, err);
}


void rw_transfer_end (rw_request *r, CURLcode code) {
  read_answer(r);
  if (code != CURLE_OK) read_failure(r, code);
  else check_answer(r);
  keep_file(r);
  rw_transfer_drop(r);
}


void rw_transfer_drop (rw_request *r) {
  if (r->easy) curl_easy_cleanup(r->easy);
  r->easy = NULL;
  curl_mime_free(r->mime);
  r->mime = NULL;
  if (r->upload_fd >= 0) close(r->upload_fd);
  r->upload_fd = -1;
  rw_buffer_free(&r->upload);
  rw_sink_abandon(&r->sink);
}

/* }================================================================= */
