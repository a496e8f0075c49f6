/*
** picture.h: how large a PNG, JPEG or WebP is, by its header alone.
*/
#ifndef RW_PICTURE_H
#define RW_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

typedef struct {
  uint32_t width, height;      /* as it is looked at: of a photo that lies on its
                                  side, after it was turned */
  unsigned turn;               /* how it lies, as EXIF numbers it: 1 (as it is) to 8 */
} rw_picture;

/*
** Reads the header of the picture behind `fd`, which is of this media type. False
** where there is none that makes sense, or of another type. Blocks on the disk; the
** descriptor's place stays where it is.
*/
bool rw_picture_read (int fd, const char *type, rw_picture *p);

#pragma GCC visibility pop

#endif
