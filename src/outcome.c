/*
** outcome.c: what came of an exchange: libcurl's word for it, and what our own
** callbacks saw, as a status, an answer, and an error in our words.
*/
#include "system.h"

#include <string.h>

#include "header.h"
#include "outcome.h"
#include "proxy.h"
#include "resume.h"
#include "sniff.h"
#include "tls.h"
#include "unpack.h"

#define LEAST_MEDIA 12         /* bytes: shorter than any head of a picture, film or sound */

const char rw_forbidden_address[] =
  "the address leads to a private network or this machine, or http leads off "
  "this machine; see allow_private and allow_http";


/* What libcurl's codes mean; one that is not here is a connection that broke. */
static const struct {
  CURLcode code;
  rw_errkind kind;
  const char *word;
  bool permanent;
} outcome_meanings[] = {
  {CURLE_COULDNT_RESOLVE_HOST, RW_NETWORK, "dns", false},
  {CURLE_COULDNT_RESOLVE_PROXY, RW_NETWORK, "proxy", false},
  {CURLE_PROXY, RW_NETWORK, "proxy", false},
  {CURLE_COULDNT_CONNECT, RW_NETWORK, "connect", false},
  {CURLE_SSL_CONNECT_ERROR, RW_NETWORK, "tls", false},
  {CURLE_PEER_FAILED_VERIFICATION, RW_NETWORK, "tls", true},
  {CURLE_SSL_CACERT_BADFILE, RW_NETWORK, "tls", true},
  {CURLE_SSL_CIPHER, RW_NETWORK, "tls", true},
  {CURLE_SSL_ISSUER_ERROR, RW_NETWORK, "tls", true},
  {CURLE_SSL_CRL_BADFILE, RW_NETWORK, "tls", true},
  {CURLE_SSL_INVALIDCERTSTATUS, RW_NETWORK, "tls", true},
  {CURLE_SSL_CERTPROBLEM, RW_NETWORK, "tls", true},
  {CURLE_SSL_ENGINE_NOTFOUND, RW_NETWORK, "tls", true},
  {CURLE_UNSUPPORTED_PROTOCOL, RW_PROTOCOL, "bad_response", false},
  {CURLE_WEIRD_SERVER_REPLY, RW_PROTOCOL, "bad_response", false},
  {CURLE_BAD_CONTENT_ENCODING, RW_PROTOCOL, "bad_response", false},
  {CURLE_HTTP2, RW_PROTOCOL, "bad_response", false},
  {CURLE_READ_ERROR, RW_IO, "read", false},
  {CURLE_FILE_COULDNT_READ_FILE, RW_IO, "read", false},
  {CURLE_URL_MALFORMAT, RW_INVALID, "url", true},
};


/*
** {=================================================================
** Failures
** ==================================================================
*/

/* In libcurl's words, which do not tell whether a proxy's connection was meant. */
static void outcome_tell (rw_request *r, CURLcode code, rw_errkind kind,
                          const char *word, bool permanent) {
  const char *said = r->errbuf[0] ? r->errbuf : curl_easy_strerror(code);
  char by[100] = "";
  if (r->via_proxy && !r->sent) rw_proxy_name(r->proxy, by, sizeof by);
  rw_fail(&r->error, kind, word, "%.200s%s%s", said, *by ? "; the way leads through " : "", by);
  r->error.permanent = permanent;
}


/*
** A paid request of which not all bytes left was not taken: its length was
** announced, and no server acts on less. Over HTTP/2 a piece is cut into frames,
** and is not counted when a later frame fails: there more than a piece is to be
** missing.
*/
static void look_whether_it_left (rw_request *r) {
  int64_t missing = r->upload_size - r->upload_left;
  if (r->gate && r->sent && r->status == 0 &&
      missing > (r->second_try ? RW_LARGE_BODY : 0))
    r->sent = false;
}


/* Does a proxy's answer refuse to lead there, now and later? What it may not
** reach at the moment (500, 502, 503, 504) is tried again. */
static bool status_refuses (long status) {
  if (status == 408 || status == 425 || status == 429) return false;
  return (status >= 300 && status < 500) || status == 501 || status == 505 ||
         status == 511;
}


/* A SOCKS proxy takes this user never. */
static bool socks_denies (long why) {
  return why == CURLPX_USER_REJECTED || why == CURLPX_NO_AUTH ||
         why == CURLPX_IDENTD || why == CURLPX_IDENTD_DIFFER ||
         why == CURLPX_LONG_USER || why == CURLPX_LONG_PASSWD;
}


/* It will not do what it is asked, or does not understand it. */
static bool socks_refuses (long why) {
  return why == CURLPX_BAD_VERSION || why == CURLPX_BAD_ADDRESS_TYPE ||
         why == CURLPX_REPLY_NOT_ALLOWED || why == CURLPX_LONG_HOSTNAME ||
         why == CURLPX_REPLY_COMMAND_NOT_SUPPORTED ||
         why == CURLPX_REPLY_ADDRESS_TYPE_NOT_SUPPORTED;
}


/*
** Has the server said that it did nothing with a paid request (RFC 9113, 8.7), and
** was that the end of it? When libcurl begins again by itself for another reason,
** which it does over HTTP/1.1, it may hear a good-bye on an idle connection.
*/
static bool was_turned_away (const rw_request *r, CURLcode code) {
  return r->gate && r->status == 0 &&
         (r->turned_away || (r->said_goodbye && r->passes == 1 && code == CURLE_HTTP2));
}


/* Has the proxy answered in a way that trying again will not change? */
static bool proxy_refuses (rw_request *r, CURLcode code) {
  long status = 0, why = 0;
  char name[200];
  if (!r->via_proxy) return false;
  (void)curl_easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &status);
  (void)curl_easy_getinfo(r->easy, CURLINFO_PROXY_ERROR, &why);
  rw_proxy_name(r->proxy, name, sizeof name);
  if (status == 401 || status == 407 || socks_denies(why)) {
    rw_fail(&r->error, RW_NETWORK, "proxy", "%s takes no one without the right "
            "user name and password", name);
  } else if (status_refuses(status)) {
    rw_fail(&r->error, RW_NETWORK, "proxy", "%s refuses to lead there (status "
            "%ld)", name, status);
  } else if (socks_refuses(why)) {
    rw_fail(&r->error, RW_NETWORK, "proxy", "%s refuses to lead there, or is no "
            "SOCKS proxy of that version", name);
  } else if (status == 0 && code == CURLE_SSL_CONNECT_ERROR &&
             strncmp(name, "https:", 6) == 0 &&
             strstr(r->errbuf, "wrong version number")) {
    rw_fail(&r->error, RW_NETWORK, "proxy", "%s does not speak TLS (is it an "
            "http:// proxy?)", name);
  } else {
    return false;
  }
  r->error.permanent = true;
  return true;
}


/*
** Is there no version of TLS that both sides speak? Other alerts may pass, as when
** a server is reloaded; libcurl has one code for them all, and OpenSSL's words.
*/
static bool speaks_old_tls (const rw_request *r, CURLcode code) {
  return code == CURLE_SSL_CONNECT_ERROR &&
         (strstr(r->errbuf, "protocol version") || strstr(r->errbuf, "unsupported protocol"));
}


/* libcurl's code alone misleads; what our callbacks saw comes first. */
static void read_failure (rw_request *r, CURLcode code) {
  look_whether_it_left(r);
  if (was_turned_away(r, code)) {
    r->sent = false;
    rw_fail(&r->error, RW_NETWORK, "closed", "the server turned the request away "
            "unread");
  }
  if (r->error.kind != RW_OK) return;    /* a callback said why */
  if (r->refused && !r->opened) {
    rw_fail(&r->error, RW_INVALID, "forbidden_address", "%s", rw_forbidden_address);
    return;
  }
  if (!r->sent && proxy_refuses(r, code)) return;
  if (r->passes > 1 && r->gate) {
    rw_fail(&r->error, RW_NETWORK, "closed",
            "the connection was closed before an answer came");
    return;
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    outcome_tell(r, code, RW_TIMEOUT, r->passes ? "answer" : "connect", false);
    return;
  }
  if (code == CURLE_OUT_OF_MEMORY) {     /* also said of a header beyond its cap */
    if (!r->sent) outcome_tell(r, code, RW_LIMIT, "memory", false);
    else rw_fail(&r->error, RW_LIMIT, "too_large", "a header of the answer is too "
                 "large (or memory ran out)");
    return;
  }
  for (size_t i = 0; i < sizeof outcome_meanings / sizeof *outcome_meanings; i++)
    if (outcome_meanings[i].code == code) {
      outcome_tell(r, code, outcome_meanings[i].kind, outcome_meanings[i].word,
                   outcome_meanings[i].permanent || speaks_old_tls(r, code));
      return;
    }
  if (strstr(r->errbuf, "chunked-encod"))
    outcome_tell(r, code, RW_PROTOCOL, "bad_response", false);
  else                                   /* reset, closed, truncated, ... */
    outcome_tell(r, code, RW_NETWORK,
                 r->passes ? "closed" : r->via_proxy ? "proxy" : "connect", false);
}

/* }================================================================= */


/*
** {=================================================================
** Answers
** ==================================================================
*/

static void read_answer (rw_request *r) {
  char *redirect = NULL;
  curl_off_t total = 0, connect = 0, in = 0, out = 0;
  (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->status);
  (void)curl_easy_getinfo(r->easy, CURLINFO_REDIRECT_URL, &redirect);
  (void)curl_easy_getinfo(r->easy, CURLINFO_TOTAL_TIME_T, &total);
  (void)curl_easy_getinfo(r->easy, CURLINFO_APPCONNECT_TIME_T, &connect);
  if (connect == 0)
    (void)curl_easy_getinfo(r->easy, CURLINFO_CONNECT_TIME_T, &connect);
  (void)curl_easy_getinfo(r->easy, CURLINFO_SIZE_DOWNLOAD_T, &in);
  (void)curl_easy_getinfo(r->easy, CURLINFO_SIZE_UPLOAD_T, &out);
  rw_count(r->stats, bytes_in, (int64_t)in);
  rw_count(r->stats, bytes_out, (int64_t)out);
  r->total_s = (double)total / 1e6;
  r->connect_s = (double)connect / 1e6;
  if (redirect) r->redirect = strdup(redirect);
}


/* Does nothing but the end of the connection tell where the body ends? */
static bool ends_with_connection (const rw_request *r) {
  size_t n = 0;
  const char *coding = rw_header_find(r->head.data, "transfer-encoding", &n);
  long version = 0;
  (void)curl_easy_getinfo(r->easy, CURLINFO_HTTP_VERSION, &version);
  return r->length < 0 && version <= CURL_HTTP_VERSION_1_1 &&
         !(coding && n >= 7 && rw_header_same(coding, "chunked", 7));
}


/* The body as it was before it was packed. */
static void unpack_body (rw_request *r) {
  if (r->body.len == 0) return;
  if (!rw_unpack(&r->body, r->head.data, r->max_body) && r->error.kind == RW_OK) {
    rw_fail(&r->error, RW_LIMIT, "too_large",
            "the answer, unpacked, is larger than max_body_bytes (%zu)", r->max_body);
    r->error.permanent = true;
  }
  r->bytes = (int64_t)r->body.len;
}


bool rw_outcome_is_media (rw_request *r) {
  char inside[sizeof r->start], line[160];
  size_t n = rw_unpack_start(r->start, r->started, inside, sizeof inside);
  const char *start = n ? inside : r->start, *words;
  if (n == 0) n = r->started;
  words = rw_sniff_text(start, n);
  if (!words) return true;
  rw_sniff_line(start, n, line, sizeof line);
  rw_fail(&r->error, RW_PROTOCOL, "bad_media",
          "the server sent %s instead of the file: %s", words, line);
  return false;
}


/* Is a complete answer one that we can use? */
static void check_answer (rw_request *r) {
  curl_off_t came = 0;                   /* over the wire, before decoding */
  const char *type;
  size_t n = 0;
  (void)curl_easy_getinfo(r->easy, CURLINFO_SIZE_DOWNLOAD_T, &came);
  if (!r->head_whole)                    /* libcurl lets this pass */
    rw_fail(&r->error, RW_NETWORK, "closed",
            "the connection was closed within the answer's headers");
  if (r->status < 100 || r->status > 999)  /* "HTTP/2 0", which it takes for one */
    rw_fail(&r->error, RW_PROTOCOL, "bad_response", "the answer's status, %ld, is none",
            r->status);
  /* libcurl has let HTTP/2 streams end early; a file must be whole */
  if (r->length >= 0 && came != r->length && strcmp(r->method, "HEAD") != 0 &&
      r->status != 204 && r->status != 304)
    rw_fail(&r->error, RW_NETWORK, "closed",
            "the answer ended after %lld of %lld bytes", (long long)came,
            (long long)r->length);
  if (r->sink.fd < 0 || (r->status != 200 && !r->filing)) return;
  if (r->total >= 0 && (r->sink.written < r->total || r->sink.again > 0))
    rw_fail(&r->error, RW_NETWORK, "closed", "the answer ended after %lld of %lld bytes "
            "of the file", (long long)r->sink.written, (long long)r->total);
  if (strncmp(r->url, "http:", 5) != 0 && ends_with_connection(r) && rw_tls_was_cut(r->id))
    rw_fail(&r->error, RW_NETWORK, "closed", "the connection was cut after %lld "
            "bytes of a file whose length was not told", (long long)r->bytes);
  if (r->status == 200 && rw_resume_is_part(r))
    rw_fail(&r->error, RW_PROTOCOL, "partial", "the server sent a part of the file "
            "and called it the whole");
  if (r->only_media && !rw_outcome_is_media(r)) return;
  type = rw_header_find(r->head.data, "content-type", &n);
  if (type && n >= 9 && rw_header_same(type, "text/html", 9) &&
      (!r->only_media || (rw_sniff_is_readable(r->start, r->started) &&
                          !rw_sniff_signature(r->start, r->started))))
    rw_fail(&r->error, RW_PROTOCOL, "bad_media",
            "the server sent an HTML page instead of the file");
  if (r->sink.written == 0)
    rw_fail(&r->error, RW_PROTOCOL, "bad_media", "the file is empty");
  else if (r->only_media && r->sink.written < LEAST_MEDIA)
    rw_fail(&r->error, RW_PROTOCOL, "bad_media", "the file has only %lld bytes: no film is as short",
            (long long)r->sink.written);
}

/* }================================================================= */


/* The answer to a question for the rest of a file, which is none. */
static void check_rest (rw_request *r) {
  if (!r->head_whole || rw_resume_judge(r) != RW_OTHER) return;
  rw_fail(&r->error, RW_PROTOCOL, "changed", "the file at the server is not the one of "
          "which a part is here (status %ld)", r->status);
}


void rw_outcome_read (rw_request *r, CURLcode code) {
  read_answer(r);
  unpack_body(r);
  check_rest(r);
  if (code != CURLE_OK) read_failure(r, code);
  else check_answer(r);
}
