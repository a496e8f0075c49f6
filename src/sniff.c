/*
** sniff.c: pictures, films and sounds by their first bytes.
**
** Three sorts of format: those with a signature at a fixed place (a table);
** the family of ISO base media files, in which boxes follow each other and the
** brands of the first tell a photo from a film (a table of brands); and streams
** of frames, whose headers have only a few fixed bits.
*/
#include "system.h"

#include <stdint.h>
#include <string.h>

#include "sniff.h"


/* A signature: `len` bytes at `at`, and for containers a second look. */
static const struct signature {
  size_t at, len;
  const char *bytes;
  size_t at2, len2;
  const char *bytes2;
  const char *type;
} sniff_table[] = {
  {0, 8, "\x89PNG\r\n\x1a\n", 0, 0, "", "image/png"},
  {0, 3, "\xff\xd8\xff", 0, 0, "", "image/jpeg"},
  {0, 6, "GIF87a", 0, 0, "", "image/gif"},
  {0, 6, "GIF89a", 0, 0, "", "image/gif"},
  {0, 4, "RIFF", 8, 4, "WEBP", "image/webp"},
  {0, 2, "BM", 6, 4, "\0\0\0\0", "image/bmp"},
  {0, 4, "II*\0", 0, 0, "", "image/tiff"},
  {0, 4, "MM\0*", 0, 0, "", "image/tiff"},
  {0, 5, "8BPS\0", 0, 0, "", "image/vnd.adobe.photoshop"},
  {0, 4, "v/1\x01", 0, 0, "", "image/x-exr"},
  {0, 12, "\0\0\0\x0cjP  \r\n\x87\n", 0, 0, "", "image/jp2"},
  {0, 12, "\0\0\0\x0cJXL \r\n\x87\n", 0, 0, "", "image/jxl"},
  {0, 2, "\xff\x0a", 0, 0, "", "image/jxl"},
  {0, 4, "RIFF", 8, 4, "AVI ", "video/x-msvideo"},
  {0, 4, "FLV\x01", 0, 0, "", "video/x-flv"},
  {0, 4, "\x30\x26\xb2\x75", 4, 4, "\x8e\x66\xcf\x11", "video/x-ms-asf"},
  {0, 4, "\0\0\x01\xba", 0, 0, "", "video/mpeg"},
  {0, 4, "\0\0\x01\xb3", 0, 0, "", "video/mpeg"},
  {0, 4, "RIFF", 8, 4, "WAVE", "audio/wav"},
  {0, 4, "RIFX", 8, 4, "WAVE", "audio/wav"},
  {0, 4, "RF64", 8, 4, "WAVE", "audio/wav"},
  {0, 4, "BW64", 8, 4, "WAVE", "audio/wav"},
  {0, 4, "FORM", 8, 3, "AIF", "audio/aiff"},
  {0, 4, "caff", 4, 2, "\0\x01", "audio/x-caf"},
  {0, 5, "#!AMR", 0, 0, "", "audio/amr"},
  {0, 4, "fLaC", 0, 0, "", "audio/flac"},
};

/* Brands of ISO base media files, by how they begin. */
static const struct {
  const char *brand;
  const char *type;
} sniff_brands[] = {
  {"avif", "image/avif"}, {"avis", "image/avif"},
  {"heic", "image/heic"}, {"heix", "image/heic"}, {"heim", "image/heic"},
  {"heis", "image/heic"}, {"hevc", "image/heic-sequence"},
  {"hevx", "image/heic-sequence"}, {"hevm", "image/heic-sequence"},
  {"hevs", "image/heic-sequence"},
  {"mif1", "image/heif"}, {"mif2", "image/heif"}, {"miaf", "image/heif"},
  {"MA1A", "image/avif"}, {"MA1B", "image/avif"}, {"MiHE", "image/heic"},
  {"MiHA", "image/heic"}, {"msf1", "image/heif-sequence"},
  {"avci", "image/avci"}, {"avcs", "image/avcs"}, {"jpeg", "image/heif"},
  {"j2ki", "image/hej2k"}, {"crx ", "image/x-canon-cr3"},
  {"qt  ", "video/quicktime"}, {"M4V", "video/mp4"},
  {"M4A", "audio/mp4"}, {"M4B", "audio/mp4"}, {"M4P", "audio/mp4"},
  {"F4A", "audio/mp4"}, {"F4B", "audio/mp4"},
  {"3g2", "video/3gpp2"}, {"3gp", "video/3gpp"}, {"3gr", "video/3gpp"},
  {"3gs", "video/3gpp"}, {"3ge", "video/3gpp"}, {"3gg", "video/3gpp"},
};


static bool starts (const char *head, size_t n, size_t at, size_t len,
                   const char *bytes) {
  return at <= n && len <= n - at && memcmp(head + at, bytes, len) == 0;
}


static uint32_t big_endian (const char *p) {
  const unsigned char *b = (const unsigned char *)p;
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}


/* Do these bytes stand anywhere in the first `n`? */
static bool within (const char *head, size_t n, const char *bytes, size_t len) {
  for (size_t at = 0; at + len <= n; at++)
    if (head[at] == bytes[0] && memcmp(head + at, bytes, len) == 0) return true;
  return false;
}


/*
** {=================================================================
** ISO base media files
** ==================================================================
*/

static const char *of_brand (const char *brand) {
  for (size_t i = 0; i < sizeof sniff_brands / sizeof *sniff_brands; i++)
    if (memcmp(brand, sniff_brands[i].brand, strlen(sniff_brands[i].brand)) == 0)
      return sniff_brands[i].type;
  return NULL;
}


/* "mif1" and "msf1" say how a picture is packed, and not what it is. */
static bool is_packing (const char *type) {
  return strncmp(type, "image/heif", 10) == 0;
}


/*
** The brand of a file, else what it claims to be compatible with. Films list
** the brands of sounds there, so one for films goes first.
*/
static const char *of_ftyp (const char *head, size_t n, size_t at, size_t size) {
  const char *type = at + 12 <= n ? of_brand(head + at + 8) : NULL;
  const char *packing = type, *sound = NULL;
  bool film = false;
  size_t end = size > n - at ? n : at + size;
  if (type && !is_packing(type)) return type;
  for (size_t b = at + 16; b + 4 <= end; b += 4) {
    const char *other = of_brand(head + b);
    if (!other) continue;
    if (is_packing(other)) packing = packing ? packing : other;
    else if (strncmp(other, "image/", 6) == 0) return other;
    else if (strncmp(other, "audio/", 6) == 0) sound = other;
    else film = true;
  }
  return packing ? packing : sound && !film ? sound : "video/mp4";
}


/* Can this be a box's? */
static bool is_name (const char *box) {
  for (int i = 0; i < 4; i++)
    if (box[i] != '\xa9' && (box[i] < ' ' || box[i] > '~')) return false;
  return true;
}


/*
** QuickTime files were written long before there was an "ftyp", and begin with
** whatever came first; so the boxes are walked, as far as they are there.
*/
const char *rw_sniff_boxes (const char *head, size_t n) {
  const char *seen = NULL;
  size_t at = 0;
  while (at <= n && n - at >= 8) {
    uint64_t size = big_endian(head + at);
    const char *box = head + at + 4;
    if (size == 1 && n - at >= 16)
      size = (uint64_t)big_endian(head + at + 8) << 32 | big_endian(head + at + 12);
    else if (size == 0 && memcmp(box, "mdat", 4) == 0)
      size = n - at;                     /* up to the file's end */
    if (size < 8) return seen;
    if (memcmp(box, "ftyp", 4) == 0 && size < 65536)
      return of_ftyp(head, n, at, (size_t)size);
    if (memcmp(box, "styp", 4) == 0 || memcmp(box, "moof", 4) == 0 ||
        memcmp(box, "sidx", 4) == 0)
      return "video/mp4";                /* a piece of a stream */
    if (memcmp(box, "moov", 4) == 0) return "video/quicktime";
    if (memcmp(box, "mdat", 4) == 0 || memcmp(box, "wide", 4) == 0 ||
        memcmp(box, "free", 4) == 0 || memcmp(box, "skip", 4) == 0 ||
        memcmp(box, "pnot", 4) == 0 || memcmp(box, "PICT", 4) == 0 ||
        memcmp(box, "junk", 4) == 0 ||
        (size >= 24 && memcmp(box, "uuid", 4) == 0))
      seen = "video/quicktime";
    else if (!is_name(box) || memcmp(box, "uuid", 4) == 0)
      return seen;                       /* what follows another's box may tell */
    if (size > n - at) return seen;
    at += (size_t)size;
  }
  return seen;
}

/* }================================================================= */


/*
** {=================================================================
** Other containers, and streams of frames
** ==================================================================
*/

/* Matroska and WebM tell themselves apart in their first element. */
static const char *of_ebml (const char *head, size_t n) {
  if (!starts(head, n, 0, 4, "\x1a\x45\xdf\xa3")) return NULL;
  return within(head, n < 128 ? n : 128, "matroska", 8) ? "video/x-matroska"
                                                         : "video/webm";
}


static const char *of_ogg (const char *head, size_t n) {
  if (!starts(head, n, 0, 4, "OggS")) return NULL;
  return within(head, n < 512 ? n : 512, "\x80theora", 7) ? "video/ogg"
                                                          : "audio/ogg";
}


/* MPEG audio of any version, layer and rate, or AAC in ADTS frames. */
static const char *of_frames (const char *head, size_t n) {
  const unsigned char *b = (const unsigned char *)head;
  if (n < 4 || b[0] != 0xff || (b[1] & 0xe0) != 0xe0) return NULL;
  if ((b[1] & 0xf6) == 0xf0)             /* layer 0: ADTS, with 13 rates */
    return (b[2] >> 2 & 15) < 13 ? "audio/aac" : NULL;
  if (b[1] >= 0xfe) return NULL;         /* layer I is gone; a mark of UTF-16 is not */
  if ((b[1] >> 3 & 3) == 1 || (b[1] >> 1 & 3) == 0) return NULL; /* reserved */
  if (b[2] >> 4 == 15 || (b[2] >> 2 & 3) == 3) return NULL;
  return "audio/mpeg";
}


/* An ID3 tag stands before MP3, and before AAC and FLAC now and then. */
static const char *of_tagged (const char *head, size_t n) {
  const unsigned char *b = (const unsigned char *)head;
  const char *type = NULL;
  size_t size;
  if (!starts(head, n, 0, 3, "ID3")) return NULL;
  if (n < 10) return "audio/mpeg";
  size = 10 + ((size_t)(b[6] & 127) << 21 | (size_t)(b[7] & 127) << 14 |
               (size_t)(b[8] & 127) << 7 | (b[9] & 127));
  if (size < n) {
    if (starts(head, n, size, 4, "fLaC")) return "audio/flac";
    type = of_frames(head + size, n - size);
  }
  return type ? type : "audio/mpeg";
}


/* Packets of 188 bytes, maybe with a time before each; "G" is all they share. */
static const char *of_packets (const char *head, size_t n) {
  bool bare = starts(head, n, 0, 1, "G") && starts(head, n, 188, 1, "G");
  bool timed = starts(head, n, 4, 1, "G") && starts(head, n, 196, 1, "G");
  return bare || timed ? "video/mp2t" : NULL;
}


const char *rw_sniff_signature (const char *head, size_t n) {
  static const char *(*const readers[])(const char *, size_t) =
    {of_ebml, of_ogg, of_tagged, of_frames};
  for (size_t i = 0; i < sizeof sniff_table / sizeof *sniff_table; i++) {
    const struct signature *s = &sniff_table[i];
    if (starts(head, n, s->at, s->len, s->bytes) &&
        starts(head, n, s->at2, s->len2, s->bytes2))
      return s->type;
  }
  for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
    const char *type = readers[i](head, n);
    if (type) return type;
  }
  return NULL;
}


const char *rw_sniff_media (const char *head, size_t n) {
  const char *type = rw_sniff_signature(head, n);
  if (type || rw_sniff_is_readable(head, n) || rw_sniff_text(head, n)) return type;
  type = rw_sniff_boxes(head, n);
  return type ? type : of_packets(head, n);
}

/* }================================================================= */


/*
** {=================================================================
** Pictures that move
** ==================================================================
*/

/* Up to a GIF's first picture: does it repeat, or wait before the next one? */
static bool gif_moves (const char *head, size_t n) {
  const unsigned char *b = (const unsigned char *)head;
  size_t at = 13;
  if (n < at) return false;
  if (b[10] & 0x80) at += (size_t)3 << ((b[10] & 7) + 1);  /* its colours */
  while (at + 2 < n && b[at] == '!') {
    if (starts(head, n, at + 1, 1, "\xff") &&
        (starts(head, n, at + 3, 11, "NETSCAPE2.0") ||
         starts(head, n, at + 3, 11, "ANIMEXTS1.0")))
      return true;
    if (b[at + 1] == 0xf9 && at + 5 < n && (b[at + 4] || b[at + 5])) return true;
    for (at += 2; at < n && b[at]; at += (size_t)b[at] + 1) ;
    at++;
  }
  return false;
}


bool rw_sniff_moves (const char *head, size_t n) {
  if (starts(head, n, 0, 4, "GIF8")) return gif_moves(head, n);
  if (starts(head, n, 0, 4, "RIFF") && starts(head, n, 8, 8, "WEBPVP8X"))
    return n > 20 && (head[20] & 2);
  if (starts(head, n, 0, 4, "\x89PNG")) return within(head, n, "acTL", 4);
  return starts(head, n, 4, 8, "ftypavis") || starts(head, n, 4, 8, "ftyphevc") ||
         starts(head, n, 4, 8, "ftyphevx") || starts(head, n, 4, 8, "ftypmsf1");
}

/* }================================================================= */
