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
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "arrival.h"
#include "clock.h"
#include "departure.h"
#include "handles.h"
#include "header.h"
#include "idle.h"
#include "outcome.h"
#include "stats.h"
#include "tls.h"
#include "trace.h"
#include "transfer.h"
#include "unpack.h"

#define PAID_ANSWER 8192      /* bytes of its head, and of its body */

/* What libcurl reads at a time into a file: twice as fast as its default. */
#define FILE_CHUNK (512 * 1024)

/*
** The same for an answer kept in memory. With libcurl's default of 16 KiB an
** HTTP/2 answer whose head and body pass that size while their wire form does
** not is never seen to end (7.88.1). Answers are smaller than this, and this is
** smaller than what malloc asks the system for anew each time.
*/
#define ANSWER_CHUNK (100 * 1024)

/*
** {=================================================================
** Callbacks: where it may lead, and whether it may leave
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
  return rw_header_same(r->url, "http:", 5);
}


/* With the server, or with a proxy on the way to it? */
static bool speaks_tls (const rw_request *r) {
  return !is_plain(r) || (r->proxy && curl_strnequal(r->proxy, "https:", 6));
}


/* TLS reads the authorities from a file once it is connected. That it could not,
** libcurl tells like a file that is none; so a descriptor must be left for it. */
static bool one_more (int fd) {
  int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (other >= 0) close(other);
  return other >= 0;
}


/*
** A large body waits here rather than in the kernel, which would take megabytes
** of it: so that more can be said of where it was cut. What is on its way counts
** not among what waits, so it leaves no slower.
*/
static void hold_back (int fd) {
#ifdef TCP_NOTSENT_LOWAT
  int most = 16 * 1024;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
#else
  (void)fd;
#endif
}


static curl_socket_t transfer_on_socket (void *data, curlsocktype purpose,
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
  if (fd >= 0 && speaks_tls(r) && !one_more(fd)) {
    close(fd);
    fd = -1;
    errno = EMFILE;
  }
  if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
    rw_fail(&r->error, RW_IO, "descriptors",
            "no file descriptor left for a connection");
    r->error.permanent = false;
  }
  if (fd >= 0 && r->gate && r->upload_size >= RW_LARGE_BODY) hold_back(fd);
  r->opened = fd >= 0 || r->opened;
  if (fd >= 0) rw_count(r->stats, connections, 1);
  return fd >= 0 ? fd : CURL_SOCKET_BAD;
}


static int transfer_on_close (void *data, curl_socket_t fd) {
  rw_idle_close(data, fd);
  return close(fd);
}


/* How far a large body has come: it has its time again while it moves. */
static int transfer_on_progress (void *data, curl_off_t down, curl_off_t came,
                                 curl_off_t up, curl_off_t left) {
  rw_request *r = data;
  (void)down; (void)came; (void)up;
  if ((int64_t)left > r->upload_seen) {
    r->upload_seen = (int64_t)left;
    r->moved_at = rw_now();
  }
  return 0;
}


/*
** What a server has said of a stream before an answer began: that it refused it,
** or that it is leaving and looks at no stream, not even the first, as which a
** paid request leaves. libcurl tells of neither in any other way than by a remark;
** should it find other words, the request is told as sent. (The second is spelt
** in two ways: 7.88 has "recveived".)
*/
static void hear_remark (rw_request *r, const char *remark, size_t n) {
  char line[100];
  size_t len = n < sizeof line ? n : sizeof line - 1;
  memcpy(line, remark, len);
  line[len] = '\0';
  if (strncmp(line, "REFUSED_STREAM, retrying", 24) == 0) r->turned_away = true;
  if ((strncmp(line, "received GOAWAY, ", 17) == 0 ||
       strncmp(line, "recveived GOAWAY, ", 18) == 0) && strstr(line, " last_stream=0"))
    r->said_goodbye = true;
}


/* What libcurl tells of a paid request, or of one that is traced. Its own count of
** what has left begins anew with a request that it begins again; ours does not. */
static int transfer_on_debug (CURL *easy, curl_infotype type, char *data, size_t n,
                              void *user) {
  rw_request *r = user;
  (void)easy;
  if (type == CURLINFO_DATA_OUT) r->upload_left += (int64_t)n;
  if (type == CURLINFO_TEXT && r->passes == 1) hear_remark(r, data, n);
  if (r->trace) rw_trace_tell(r, type, data, n);
  return 0;
}


/* The gate. Also asked for connections that are reused, so it looks again. */
static int transfer_on_request (void *data, char *ip, char *local, int port,
                                int lport) {
  rw_request *r = data;
  (void)local; (void)port;
  if (!r->via_proxy && !may_reach(r, rw_address_of_text(ip), is_plain(r))) {
    r->refused = true;
    return CURL_PREREQFUNC_ABORT;
  }
  if (r->gate && !r->second_try && !is_plain(r) && rw_tls_chose_nothing(r->easy)) {
    r->wants_h2 = true;                  /* maybe; it is asked, and nothing sent */
    return CURL_PREREQFUNC_ABORT;
  }
  if (r->passes++ > 0 && r->gate) return CURL_PREREQFUNC_ABORT;
  if (!is_plain(r)) rw_tls_used_by(r->easy, r->id);
  rw_idle_use(r->idle, lport);
  r->sent = true;
  rw_count(r->stats, sent, 1);
  return CURL_PREREQFUNC_OK;
}

/* }================================================================= */


/*
** {=================================================================
** Setting up
** ==================================================================
*/

/*
** Certificates: named by file and not by directory, unless that is asked for,
** since only then libcurl keeps them parsed between connections (16 ms each
** otherwise).
*/
static bool set_trust (rw_request *r) {
  char *file = NULL;                     /* libcurl's own */
  if (!speaks_tls(r)) return true;
  if (r->ca_file && !rw_set(r, CAINFO, r->ca_file)) return false;
  if (!r->ca_file) (void)curl_easy_getinfo(r->easy, CURLINFO_CAINFO, &file);
  if ((r->ca_file || file || r->ca_dir) && !rw_set(r, CAPATH, r->ca_dir)) return false;
  rw_tls_watch(r->easy);
  return rw_set(r, SSL_VERIFYPEER, 1L) && rw_set(r, SSL_VERIFYHOST, 2L) &&
         rw_set(r, SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}


/* An https:// proxy is trusted as the server is. A libcurl whose TLS cannot be
** told so says it when the proxy is used. */
static bool set_proxy_trust (rw_request *r) {
  if (curl_strnequal(r->proxy, "https:", 6)) {
    if (r->ca_file) (void)rw_set(r, PROXY_CAINFO, r->ca_file);
    if (r->ca_file || r->ca_dir) (void)rw_set(r, PROXY_CAPATH, r->ca_dir);
  }
  return rw_set(r, PROXY_SSL_VERIFYPEER, 1L) && rw_set(r, PROXY_SSL_VERIFYHOST, 2L) &&
         rw_set(r, PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}


/* The proxy was found on the caller's thread; libcurl is to look nowhere. */
static bool set_proxy (rw_request *r) {
  r->via_proxy = r->proxy && *r->proxy;
  return !r->via_proxy || (set_proxy_trust(r) && rw_set(r, PROXY, r->proxy));
}


/* What is the same for every exchange: set once on a handle. */
static bool set_common (rw_request *r) {
  return
    rw_set(r, PROXY, "") && rw_set(r, NOPROXY, "") &&
    rw_set(r, PROTOCOLS_STR, "http,https") &&
    rw_set(r, FOLLOWLOCATION, 0L) &&
    rw_set(r, MAXAGE_CONN, 30L) &&
    rw_set(r, PREREQFUNCTION, transfer_on_request) &&
    rw_set(r, DEBUGFUNCTION, transfer_on_debug) &&
    rw_set(r, OPENSOCKETFUNCTION, transfer_on_socket) &&
    rw_set(r, CLOSESOCKETFUNCTION, transfer_on_close) && rw_set(r, CLOSESOCKETDATA, r->idle) &&
    rw_set(r, XFERINFOFUNCTION, transfer_on_progress) &&
    rw_set(r, HEADERFUNCTION, rw_arrival_header) &&
    rw_set(r, WRITEFUNCTION, rw_arrival_body) &&
    /* a look-up that is given up must not hold up the transfers beside it */
    rw_set(r, QUICK_EXIT, 1L) &&
    rw_set(r, TCP_NODELAY, 1L) && rw_set(r, NOSIGNAL, 1L);
}


/* Everything else, each time: a handle that was used has another exchange's. */
static bool set_options (rw_request *r) {
  return
    rw_set(r, URL, r->url) && rw_departure_set(r) && set_trust(r) && set_proxy(r) &&
    /* a paid request has its connection to itself, and a server that is being
    ** reloaded turns fresh HTTP/2 connections away after the request has left */
    rw_set(r, HTTP_VERSION, (long)(r->gate ? CURL_HTTP_VERSION_1_1
                                        : CURL_HTTP_VERSION_2TLS)) &&
    rw_set(r, FRESH_CONNECT, r->gate ? 1L : 0L) &&
    /* what it leaves is of use to the queries that follow, where they have none */
    rw_set(r, FORBID_REUSE, r->gate && rw_idle_has(r->idle, r->url) ? 1L : 0L) &&
    /* decoded whether asked for or not; not by libcurl, which drops what does not
    ** fit its label, but for a film in a coding, which is best as it lies there. What
    ** libcurl is not to decode is offered by a header of ours: its own it writes twice */
    rw_set(r, ACCEPT_ENCODING, r->sink.path ? "identity" : rw_unpack_ready() ? NULL : "") &&
    rw_set(r, HTTP_CONTENT_DECODING, r->sink.path || rw_unpack_ready() ? 0L : 1L) &&
    rw_set(r, PREREQDATA, r) && rw_set(r, OPENSOCKETDATA, r) && rw_set(r, XFERINFODATA, r) &&
    rw_set(r, HEADERDATA, r) && rw_set(r, WRITEDATA, r) && rw_set(r, DEBUGDATA, r) &&
    rw_set(r, VERBOSE, r->gate || r->trace ? 1L : 0L) &&
    rw_set(r, NOPROGRESS, r->upload_size < RW_LARGE_BODY ? 1L : 0L) &&
    rw_set(r, HTTPHEADER, r->headers) &&
    rw_set(r, CONNECT_TO, r->pins) &&
    rw_set(r, CONNECTTIMEOUT_MS, r->connect_ms) &&
    rw_set(r, LOW_SPEED_LIMIT, r->stall_s ? 1L : 0L) &&
    rw_set(r, LOW_SPEED_TIME, r->stall_s) &&
    rw_set(r, BUFFERSIZE, r->sink.path ? (long)FILE_CHUNK : (long)ANSWER_CHUNK) &&
    rw_set(r, ERRORBUFFER, r->errbuf) && rw_set(r, PRIVATE, r);
}


/*
** Does nothing but set_options make the difference to a handle that is new? Not
** so where a proxy or authorities are named, which libcurl cannot be told to forget,
** nor of what has a form, a file, a body that is read as it leaves, or none.
*/
static bool is_usual (const rw_request *r) {
  return !(r->proxy && *r->proxy) && !r->ca_file && !r->ca_dir && !r->nfields &&
         !r->file && !r->streams && strcmp(r->method, "HEAD") != 0;
}


/* Sees to it that the handle points to nothing of the request's. */
static bool set_free (rw_request *r) {
  return
    rw_set(r, POSTFIELDS, NULL) && rw_set(r, PREREQDATA, NULL) && rw_set(r, OPENSOCKETDATA, NULL) &&
    rw_set(r, XFERINFODATA, NULL) && rw_set(r, HEADERDATA, NULL) && rw_set(r, WRITEDATA, NULL) &&
    rw_set(r, DEBUGDATA, NULL) && rw_set(r, HTTPHEADER, NULL) && rw_set(r, CONNECT_TO, NULL) &&
    rw_set(r, ERRORBUFFER, NULL) && rw_set(r, PRIVATE, NULL);
}

/* }================================================================= */


/*
** {=================================================================
** Begin, again, end
** ==================================================================
*/

bool rw_transfer_check (rw_request *r) {
  if (is_plain(r) && !r->loopback && !r->allow_http) {
    rw_fail(&r->error, RW_INVALID, "forbidden_url",
            "http (without TLS) is for this machine only; use https, or set "
            "allow_http");
  } else if (r->addressed && !may_reach(r, r->address, false)) {
    rw_fail(&r->error, RW_INVALID, "forbidden_address", "%s", rw_forbidden_address);
  }
  return r->error.kind == RW_OK;
}


/* What is paid for must not be lost for want of memory: an answer of ordinary
** length has its place before the request leaves. */
static bool reserve_answer (rw_request *r) {
  return !r->gate || (rw_buffer_reserve(&r->head, PAID_ANSWER) &&
                      rw_buffer_reserve(&r->body, PAID_ANSWER));
}


/* A handle that was used, where that can be told from a new one by nothing. */
static bool take_handle (rw_request *r) {
  r->easy = is_usual(r) ? rw_handles_take(r->handles) : NULL;
  if (r->easy) return true;
  r->easy = rw_handles_make(r->handles);
  return r->easy && set_common(r);
}


/* Only one whose exchange came to its end: another may be in the middle of a look-up. */
static void give_handle (rw_request *r, CURLcode code) {
  if (code == CURLE_OK && is_usual(r) && set_free(r) && rw_handles_give(r->handles, r->easy))
    r->easy = NULL;
}


bool rw_transfer_begin (rw_request *r) {
  if (r->trace) rw_trace_begin(r);
  if (take_handle(r) && set_options(r) && reserve_answer(r)) return true;
  rw_fail(&r->error, RW_LIMIT, "memory", "no memory for a transfer");
  rw_transfer_drop(r);
  return false;
}


/* A labelled film that does not begin like one is asked for once more, to be
** decoded; and again, to be taken as it is, when it cannot be. */
static bool asks_otherwise (rw_request *r, CURLcode code) {
  CURLcode sign = r->decoding == RW_LOOK ? CURLE_WRITE_ERROR : CURLE_BAD_CONTENT_ENCODING;
  if (code != sign || r->decoding == RW_AS_IT_CAME || r->gate || !r->labelled ||
      r->sink.fd < 0 || r->status != 200 || r->bytes > 0 || r->error.kind != RW_OK)
    return false;
  r->decoding = r->decoding == RW_LOOK ? RW_DECODED : RW_AS_IT_CAME;
  r->head_seen = 0;
  r->head_lines = 0;
  r->errbuf[0] = '\0';
  return rw_set(r, HTTP_CONTENT_DECODING, r->decoding == RW_DECODED ? 1L : 0L);
}


bool rw_transfer_again (rw_request *r, CURLcode code) {
  if (asks_otherwise(r, code)) return true;
  if (!r->gate || r->sent || r->second_try ||
      !(code == CURLE_SSL_CONNECT_ERROR || r->wants_h2))
    return false;
  r->second_try = true;
  r->errbuf[0] = '\0';
  return rw_set(r, HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
}


void rw_transfer_keep (rw_request *r) {
  curl_socket_t fd = CURL_SOCKET_BAD;
  long port = 0;
  if (curl_easy_getinfo(r->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
      fd != CURL_SOCKET_BAD &&
      curl_easy_getinfo(r->easy, CURLINFO_LOCAL_PORT, &port) == CURLE_OK)
    rw_idle_keep(r->idle, fd, port, r->url);
}


/* Seconds with a point, whatever the locale: 60, 0.5. */
static void say_timeout (rw_request *r) {
  char seconds[32];
  int n = snprintf(seconds, sizeof seconds, "%ld.%03ld", r->timeout_ms / 1000,
                   r->timeout_ms % 1000);
  while (n > 0 && seconds[n - 1] == '0') n--;
  if (n > 0 && seconds[n - 1] == '.') n--;
  (void)snprintf(r->errbuf, sizeof r->errbuf, "no %s within %.*s s (%lld bytes of it came)",
                 r->sent ? "whole answer" : "connection", n, seconds,
                 (long long)r->bytes);
}


void rw_transfer_end (rw_request *r, CURLcode code) {
  if (code == CURLE_OPERATION_TIMEDOUT && !r->errbuf[0])
    say_timeout(r);
  rw_outcome_read(r, code);
  if (r->trace) rw_trace_end(r);
  give_handle(r, code);
  rw_transfer_drop(r);
}


void rw_transfer_drop (rw_request *r) {
  if (r->easy) curl_easy_cleanup(r->easy);
  r->easy = NULL;
  curl_mime_free(r->mime);
  r->mime = NULL;
  rw_buffer_free(&r->upload);
}

/* }================================================================= */

#undef set
