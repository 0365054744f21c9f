#include "base/buf.h"
#include "base/mem.h"
#include "inspect/rpm_db.h"
#include "sys/sqlite.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* bash 5.1-6.el9, as a header: two tags would not do, rpm has no package without these three. */
#define HEADER                                                                                     \
    "X'0000000300000012"                                                                           \
    "000003E8000000060000000000000001"                                                             \
    "000003E9000000060000000500000001"                                                             \
    "000003EA000000060000000900000001"                                                             \
    "6261736800352E3100362E656C3900000000'"
#define TABLE "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);"

static int note(void *self, const struct bh_found_package *p, struct bh_error *err)
{
    (void)err;
    bh_buf_printf(self, "%s %s;", p->name, p->version);
    return 0;
}

/* The database these statements make, opened. */
static int database(const char *sql, uint64_t *ret_size)
{
    BH_AUTO(bh_sqlite_closep) struct bh_sqlite *db = NULL;
    char dir[] = "/tmp/bulkhead-rpm-XXXXXX";
    BH_AUTO(bh_freep) char *path = NULL;
    struct stat st;
    int fd;

    assert_non_null(mkdtemp(dir));
    path = bh_format("%s/db", dir);
    assert_int_equal(bh_sqlite_open(path, BH_SQLITE_BUILD, &db, NULL), 0);
    assert_int_equal(bh_sqlite_exec(db, sql, NULL), 0);
    bh_sqlite_close(BH_TAKE(db));
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    unlink(path);
    rmdir(dir);
    assert_int_equal(fstat(fd, &st), 0);
    *ret_size = (uint64_t)st.st_size;
    return fd;
}

static int read_db(const char *sql, struct bh_buf *out, struct bh_error *err)
{
    const struct bh_package_listener to = {.found = note, .self = out};
    uint64_t size;
    int fd = database(sql, &size);
    int r = bh_rpm_db_read(fd, size, &to, err);

    close(fd);
    return r;
}

static void every_package_is_read_through_the_descriptor_alone(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);

    (void)state;
    assert_int_equal(read_db(TABLE "INSERT INTO Packages(blob) VALUES (" HEADER "), (" HEADER ")",
                             &out, NULL),
                     0);
    assert_string_equal(bh_buf_text(&out), "bash 5.1-6.el9;bash 5.1-6.el9;");
}

static void a_database_marked_as_wal_is_read_as_its_file_has_it(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    const struct bh_package_listener to = {.found = note, .self = &out};
    uint64_t size;
    int fd = database(TABLE "INSERT INTO Packages(blob) VALUES (" HEADER ")", &size);

    (void)state;
    assert_int_equal(pwrite(fd, "\x02\x02", 2, 18), 2);
    assert_int_equal(bh_rpm_db_read(fd, size, &to, NULL), 0);
    assert_string_equal(bh_buf_text(&out), "bash 5.1-6.el9;");
    close(fd);
}

static void a_bad_header_is_an_error_but_hides_no_other_package(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(read_db(TABLE "INSERT INTO Packages(blob) VALUES (X'00'), (" HEADER "), ('')",
                             &out, &err),
                     -BH_INVALID);
    assert_non_null(strstr(err.message, "2 unreadable"));
    assert_string_equal(bh_buf_text(&out), "bash 5.1-6.el9;");
}

static void what_is_no_such_database_is_refused(void **state)
{
    static const char *const statements[] = {
        "CREATE TABLE Other (x)",
        /* A view that would never end. */
        "CREATE VIEW Packages AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) "
        "SELECT x AS blob FROM n",
    };
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    const struct bh_package_listener to = {.found = note, .self = &out};
    uint64_t size;
    int fd;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(statements); i++)
        assert_int_equal(read_db(statements[i], &out, NULL), -BH_INVALID);
    fd = database(TABLE "INSERT INTO Packages(blob) VALUES (" HEADER ")", &size);
    for (uint64_t at = 0; at < size; at += at < 200 ? 1 : 61) {
        char old, changed;

        assert_int_equal(pread(fd, &old, 1, (off_t)at), 1);
        changed = (char)~old;
        assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
        (void)!bh_rpm_db_read(fd, size, &to, NULL);
        assert_int_equal(pwrite(fd, &old, 1, (off_t)at), 1);
    }
    for (uint64_t cut = 0; cut < size; cut += 509)
        (void)!bh_rpm_db_read(fd, cut, &to, NULL);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_package_is_read_through_the_descriptor_alone),
        cmocka_unit_test(a_database_marked_as_wal_is_read_as_its_file_has_it),
        cmocka_unit_test(a_bad_header_is_an_error_but_hides_no_other_package),
        cmocka_unit_test(what_is_no_such_database_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
