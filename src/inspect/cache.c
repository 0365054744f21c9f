#include "inspect/cache.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define SECONDS_PER_DAY 86400
#define NAME_SIZE (BH_DIGEST_TEXT_SIZE + 16u)

static void name_of(const struct bh_digest *diff_id, char *name)
{
    char hex[BH_DIGEST_TEXT_SIZE];

    (void)snprintf(name, NAME_SIZE, "%s-%u", bh_digest_hex(diff_id, hex), BH_ANALYSER_VERSION);
}

int bh_facts_cache_open(int root_fd)
{
    if (root_fd < 0 || (mkdirat(root_fd, "facts", 0700) < 0 && errno != EEXIST))
        return -1;
    return openat(root_fd, "facts", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The time of last use, to the day, so that most reads write nothing. */
static void mark_used(int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && time(NULL) - st.st_mtime > SECONDS_PER_DAY)
        (void)futimens(fd, NULL); /* a file of another user ages: no harm */
}

struct bh_layer_facts *bh_facts_cache_get(int cache_fd, const struct bh_digest *diff_id)
{
    struct bh_layer_facts *facts = NULL;
    char name[NAME_SIZE];
    int fd;

    if (cache_fd < 0 || !bh_digest_is_set(diff_id))
        return NULL;
    name_of(diff_id, name);
    fd = openat(cache_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (bh_layer_facts_open(fd, &facts, NULL) < 0) {
        (void)unlinkat(cache_fd, name, 0); /* in the way of the one that is made now */
        return NULL;
    }
    mark_used(facts->fd);
    return facts;
}

int bh_facts_cache_begin(int cache_fd, int *ret_fd, struct bh_error *err)
{
    int fd = -1;

    if (cache_fd >= 0)
        fd = openat(cache_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        fd = memfd_create("bulkhead", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    if (fd < 0)
        fd = memfd_create("bulkhead", MFD_CLOEXEC); /* Linux before 6.3 */
    if (fd < 0)
        return bh_fail_errno(err, "make a file for what is found");
    *ret_fd = fd;
    return 0;
}

void bh_facts_cache_keep(int cache_fd, int fd, const struct bh_digest *diff_id)
{
    char name[NAME_SIZE], self[32];

    if (cache_fd < 0 || !bh_digest_is_set(diff_id))
        return;
    name_of(diff_id, name);
    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    /* Fails for a file in memory, for one that is there already, and without /proc. */
    (void)!linkat(AT_FDCWD, self, cache_fd, name, AT_SYMLINK_FOLLOW);
}
