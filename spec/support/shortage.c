/*
** shortage.c: memory that runs out at a chosen allocation. Loaded before the C
** library (LD_PRELOAD) it stands in for malloc and its kin; the program loads it
** once more, as a Lua module, to say when:
**
**   shortage.begin(whose, nth, times)   from now on the nth allocation fails, and
**     times - 1 more after it (nth 0: none does). `whose`: "runway" (the objects
**     under test), "lua" (Lua's own), "all" (whatever library), told apart by
**     the address that malloc returns to.
**   shortage.stop()        -> how many were counted; none fails any more
**   shortage.files(faults, under)   and files fail, as faults.c says ("": no more)
**   shortage.calls()       -> how many of the calls that are to fail there were
**   shortage.fork(path)    -> pid, 0 in the child, which tells its errors to the file
**   shortage.wait(pid, s)  -> "exit", code | "signal", number | "hung", 0 (killed)
**
** What the objects under test have allocated since `begin`, and not freed when the
** process exits, is told on standard error as "leaked BYTES bytes at OBJECT+OFFSET".
*/
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lua.h>
#include <lauxlib.h>

/* NOLINTBEGIN: the names are glibc's */
void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *p, size_t size);
void *__libc_memalign (size_t alignment, size_t size);
void __libc_free (void *p);
/* NOLINTEND */

#define MOST_SPANS 64
#define SLOTS 65536            /* more than are ever held at once */
#define PATIENCE 300           /* times 10 ms, for threads that are on their way out */

enum { RUNWAY = 1, LUA = 2, OTHER = 4 };

static struct { uintptr_t from, to; int whose; } spans[MOST_SPANS];
static int span_count;

static atomic_int whose;       /* 0: nothing is counted */
static atomic_long counted, nth, times;

/*
** {=================================================================
** Who asks
** ==================================================================
*/

static int owner_of (const char *name) {
  const char *base = strrchr(name, '/');
  base = base ? base + 1 : name;
  if (*name == '\0' || strncmp(base, "liblua", 6) == 0) return LUA;
  if (strcmp(base, "runway.so") == 0 || strstr(name, "/runway/")) return RUNWAY;
  return 0;
}

static int add_spans (struct dl_phdr_info *info, size_t size, void *unused) {
  int owner = owner_of(info->dlpi_name);
  (void)size, (void)unused;
  for (int i = 0; owner && i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *p = &info->dlpi_phdr[i];
    if (p->p_type != PT_LOAD || !(p->p_flags & PF_X)) continue;
    if (span_count == MOST_SPANS) abort();
    spans[span_count].from = info->dlpi_addr + p->p_vaddr;
    spans[span_count].to = spans[span_count].from + p->p_memsz;
    spans[span_count++].whose = owner;
  }
  return 0;
}

static int owner_at (const void *address) {
  uintptr_t at = (uintptr_t)address;
  for (int i = 0; i < span_count; i++)
    if (spans[i].from <= at && at < spans[i].to) return spans[i].whose;
  return OTHER;
}

/* Must this one fail? Counts it. */
static int refused (int owner) {
  if (!(owner & atomic_load(&whose))) return 0;
  long n = atomic_fetch_add(&counted, 1) + 1, first = atomic_load(&nth);
  if (first == 0 || n < first || n >= first + atomic_load(&times)) return 0;
  errno = ENOMEM;
  return 1;
}

/* }================================================================= */


/*
** {=================================================================
** What the objects under test hold: an open hash table by address
** ==================================================================
*/

static struct held { void *p; const void *by; size_t size; } table[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int keeping;            /* since `begin` */

static size_t slot_of (const void *p) {
  size_t at = ((uintptr_t)p >> 4) * 2654435761u % SLOTS;
  for (size_t looked = 0; table[at].p && table[at].p != p; at = (at + 1) % SLOTS)
    if (++looked == SLOTS) abort();
  return at;
}

static void keep (void *p, size_t size, const void *by) {
  size_t at;
  pthread_mutex_lock(&lock);
  at = slot_of(p);
  table[at].p = p, table[at].by = by, table[at].size = size;
  pthread_mutex_unlock(&lock);
}

static struct held let_go (void *p) {
  struct held was = {NULL, NULL, 0};
  size_t at;
  pthread_mutex_lock(&lock);
  at = slot_of(p);
  if (table[at].p) {
    was = table[at];
    table[at].p = NULL;
    for (size_t i = (at + 1) % SLOTS; table[i].p; i = (i + 1) % SLOTS) {  /* close the gap */
      struct held moved = table[i];
      table[i].p = NULL;
      table[slot_of(moved.p)] = moved;
    }
  }
  pthread_mutex_unlock(&lock);
  return was;
}

static size_t count_held (int tell) {
  size_t n = 0;
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < SLOTS; i++) {
    Dl_info where;
    if (!table[i].p) continue;
    n++;
    if (!tell) continue;
    if (dladdr(table[i].by, &where) && where.dli_fname)
      fprintf(stderr, "leaked %zu bytes at %s+%#tx\n", table[i].size, where.dli_fname,
              (const char *)table[i].by - (const char *)where.dli_fbase);
    else fprintf(stderr, "leaked %zu bytes at %p\n", table[i].size, table[i].by);
  }
  pthread_mutex_unlock(&lock);
  return n;
}

static int threads (void) {
  DIR *tasks = opendir("/proc/self/task");
  int n = -2;                  /* . and .. */
  if (!tasks) return 0;
  while (readdir(tasks)) n++;
  (void)closedir(tasks);
  return n;
}

/* Threads that were left to end by themselves are given their time. */
__attribute__((destructor)) static void tell_leaks (void) {
  atomic_store(&whose, 0);
  for (int i = 0; i < PATIENCE && threads() > 1 && count_held(0) > 0; i++) usleep(10000);
  (void)count_held(1);
}

/* }================================================================= */


/*
** {=================================================================
** In place of the C library's
** ==================================================================
*/

static void *given (void *p, size_t size, int owner, const void *by) {
  if (keeping && p && owner == RUNWAY) keep(p, size, by);
  return p;
}

#define HERE __builtin_return_address(0)
#define ASK(size, call) \
  const void *by = HERE; \
  int owner = keeping ? owner_at(by) : 0; \
  if (owner && refused(owner)) return NULL; \
  return given(call, size, owner, by)

void *malloc (size_t size) { ASK(size, __libc_malloc(size)); }

void *calloc (size_t n, size_t size) { ASK(n * size, __libc_calloc(n, size)); }

void *memalign (size_t alignment, size_t size) { ASK(size, __libc_memalign(alignment, size)); }

void *aligned_alloc (size_t alignment, size_t size) { ASK(size, __libc_memalign(alignment, size)); }

int posix_memalign (void **p, size_t alignment, size_t size) {
  const void *by = HERE;
  int owner = keeping ? owner_at(by) : 0;
  if (owner && refused(owner)) return ENOMEM;
  *p = given(__libc_memalign(alignment, size), size, owner, by);
  return *p ? 0 : ENOMEM;
}

void free (void *p) {
  if (keeping && p) (void)let_go(p);
  __libc_free(p);
}

/* One that shrinks does not fail: few are ready for that, and no allocator does it. */
void *realloc (void *p, size_t size) {
  const void *by = HERE;
  int owner = keeping ? owner_at(by) : 0;
  struct held was = {NULL, NULL, 0};
  void *now;
  if (size == 0) { free(p); return NULL; }
  if (owner && size > (p ? malloc_usable_size(p) : 0) && refused(owner)) return NULL;
  if (keeping && p) was = let_go(p);   /* before another thread can have its address */
  now = __libc_realloc(p, size);
  if (was.p || (!p && owner == RUNWAY && now))
    keep(now ? now : p, now ? size : was.size, by);
  return now;
}

static char *copy_of (const char *s, size_t n, int owner, const void *by) {
  char *copy;
  if (owner && refused(owner)) return NULL;
  if (!(copy = given(__libc_malloc(n + 1), n + 1, owner, by))) return NULL;
  memcpy(copy, s, n);
  copy[n] = '\0';
  return copy;
}

char *strdup (const char *s) {
  const void *by = HERE;
  return copy_of(s, strlen(s), keeping ? owner_at(by) : 0, by);
}

char *strndup (const char *s, size_t n) {
  const void *by = HERE;
  return copy_of(s, strnlen(s, n), keeping ? owner_at(by) : 0, by);
}

/* }================================================================= */


/*
** {=================================================================
** As a Lua module
** ==================================================================
*/

static int shortage_begin (lua_State *L) {
  static const char *const names[] = {"runway", "lua", "all", NULL};
  static const int masks[] = {RUNWAY, LUA, RUNWAY | LUA | OTHER};
  int mask = masks[luaL_checkoption(L, 1, NULL, names)];
  lua_Integer first = luaL_checkinteger(L, 2);
  atomic_store(&nth, (long)first);
  atomic_store(&times, (long)luaL_optinteger(L, 3, 1));
  span_count = 0;
  (void)dl_iterate_phdr(add_spans, NULL);
  keeping = 1;
  atomic_store(&counted, 0);
  atomic_store(&whose, mask);
  return 0;
}

static int shortage_stop (lua_State *L) {
  atomic_store(&whose, 0);
  lua_pushinteger(L, (lua_Integer)atomic_load(&counted));
  return 1;
}

/* The function of the library of faults (faults.c), which must be loaded as well. */
static void *of_faults (lua_State *L, const char *name) {
  void *found = dlsym(RTLD_DEFAULT, name);
  if (!found) luaL_error(L, "the library of faults is not loaded");
  return found;
}

static int shortage_files (lua_State *L) {
  (void)setenv("FAULTS", luaL_checkstring(L, 1), 1);
  (void)setenv("FAULTS_UNDER", luaL_checkstring(L, 2), 1);
  ((void (*) (void))of_faults(L, "faults_begin"))();
  return 0;
}

static int shortage_calls (lua_State *L) {
  lua_pushinteger(L, ((int (*) (void))of_faults(L, "faults_calls"))());
  return 1;
}

static int shortage_fork (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  pid_t pid;
  fflush(NULL);
  pid = fork();
  if (pid == 0 && !freopen(path, "w", stderr)) abort();
  lua_pushinteger(L, (lua_Integer)pid);
  return 1;
}

static int shortage_wait (lua_State *L) {
  pid_t pid = (pid_t)luaL_checkinteger(L, 1);
  long left = (long)(luaL_checknumber(L, 2) * 1000);
  int status = 0;
  pid_t got;
  while ((got = waitpid(pid, &status, WNOHANG)) == 0 && left-- > 0) {
    usleep(1000);
    if (left == 1000) (void)kill(pid, SIGINT);     /* it says where it is */
  }
  if (got == 0) {
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    lua_pushliteral(L, "hung");
    lua_pushinteger(L, 0);
    return 2;
  }
  lua_pushstring(L, WIFEXITED(status) ? "exit" : "signal");
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  return 2;
}

static const luaL_Reg shortage_functions[] = {
  {"begin", shortage_begin},
  {"calls", shortage_calls},
  {"files", shortage_files},
  {"fork", shortage_fork},
  {"stop", shortage_stop},
  {"wait", shortage_wait},
  {NULL, NULL}
};

int luaopen_shortage (lua_State *L);
int luaopen_shortage (lua_State *L) {
  luaL_newlib(L, shortage_functions);
  return 1;
}

/* }================================================================= */
