#include "base/buf.h"
#include "base/mem.h"
#include "sys/fd.h"
#include "sys/sqlite.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64], path[128];

static int set_up(void **state)
{
    struct bh_sqlite *db;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/bulkhead-sqlite-%ld", (long)getpid());
    (void)snprintf(path, sizeof path, "%s/a %%?#b.sqlite", directory);
    assert_int_equal(bh_mkdir_parents(AT_FDCWD, directory, 0700, &err), 0);
    assert_int_equal(bh_sqlite_open(path, BH_SQLITE_BUILD, &db, &err), 0);
    assert_int_equal(bh_sqlite_exec(db,
                                    "CREATE TABLE t(a TEXT, b INT, c BLOB);"
                                    "INSERT INTO t VALUES('x', 7, x'0001'), (NULL, 8, NULL)",
                                    &err),
                     0);
    bh_sqlite_close(db);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return bh_remove_tree_at(AT_FDCWD, directory, NULL);
}

static void check_rows(struct bh_sqlite *db)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_query *q;
    bool row;
    size_t len;

    assert_int_equal(bh_query_new(db, "SELECT a, b, c FROM t WHERE b >= ? ORDER BY b", &q, &err),
                     0);
    bh_query_bind_int(q, 1, 7);
    assert_int_equal(bh_query_step(q, &row, &err), 0);
    assert_true(row);
    assert_string_equal(bh_query_text(q, 0), "x");
    assert_int_equal(bh_query_int(q, 1), 7);
    assert_memory_equal(bh_query_blob(q, 2, &len), "\0\1", 2);
    assert_int_equal(len, 2);
    assert_int_equal(bh_query_step(q, &row, &err), 0);
    assert_null(bh_query_text(q, 0));
    assert_int_equal(bh_query_step(q, &row, &err), 0);
    assert_false(row);
    bh_query_free(q);
}

static void a_file_with_any_name_is_read_back_and_cannot_be_written(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_sqlite *db;

    (void)state;
    assert_int_equal(bh_sqlite_open(path, BH_SQLITE_READ, &db, &err), 0);
    check_rows(db);
    assert_true(bh_sqlite_exec(db, "DELETE FROM t", &err) < 0);
    bh_sqlite_close(db);
}

static void a_database_in_memory_is_read_the_same_way(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf bytes = BH_BUF_INIT(1u << 20);
    struct bh_error err = BH_ERROR_INIT;
    struct bh_sqlite *db;

    (void)state;
    assert_int_equal(bh_read_file_at(AT_FDCWD, path, &bytes, &err), 0);
    assert_int_equal(bh_sqlite_open_memory(bytes.data, bytes.len, &db, &err), 0);
    check_rows(db);
    assert_true(bh_sqlite_exec(db, "DELETE FROM t", &err) < 0);
    bh_sqlite_close(db);
}

static void existing_missing_and_damaged_files_are_told_apart(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_sqlite *db;
    char text[4096];

    (void)state;
    assert_true(bh_sqlite_open("/nonexistent/x.sqlite", BH_SQLITE_READ, &db, &err) ==
                -BH_NOT_FOUND);
    memset(text, 'x', sizeof text);
    assert_int_equal(bh_sqlite_open_memory(text, sizeof text, &db, &err), -BH_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_with_any_name_is_read_back_and_cannot_be_written),
        cmocka_unit_test(a_database_in_memory_is_read_the_same_way),
        cmocka_unit_test(existing_missing_and_damaged_files_are_told_apart),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
