#include "inspect/rpm_db.h"

#include "inspect/rpm_header.h"
#include "sys/sqlite_fd.h"

struct reading {
    const struct bh_package_listener *to;
    uint64_t bad;
    struct bh_error first; /* what was wrong with the first bad one */
};

static int take_row(void *self, const void *data, size_t len, struct bh_error *err)
{
    struct reading *reading = self;
    struct bh_rpm_header h;
    struct bh_error why = BH_ERROR_INIT;

    if (bh_rpm_header_parse(data, len, &h, &why) < 0) {
        if (reading->bad++ == 0)
            reading->first = why;
        return 0;
    }
    return bh_rpm_header_tell(&h, reading->to, err);
}

int bh_rpm_db_read(int fd, uint64_t size, const struct bh_package_listener *to,
                   struct bh_error *err)
{
    struct reading reading = {.to = to};
    int r = bh_sqlite_fd_each(fd, size, "SELECT blob FROM Packages", &bh_sqlite_limits_default,
                              take_row, &reading, err);

    if (r == 0 && reading.bad > 0)
        r = bh_fail(err, BH_INVALID, "%llu unreadable package headers, the first: %s",
                    (unsigned long long)reading.bad, reading.first.message);
    return r;
}
