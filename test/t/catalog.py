"""Assumptions of the direct reads in catalog*.c: column numbers, and use in parallel workers."""

import os
import re

from support import ROOT, Db, equal, main, ok

db = Db()


def column_numbers():
    with open(os.path.join(ROOT, "src", "tables", "catalog.h"), encoding="ascii") as file:
        enums = re.search(r"enum\n\{\n(\tAnum_.*?)\n\};", file.read(), re.S).group(1)
    seen = []
    for enum in enums.split("\n\n"):
        names = re.findall(r"Anum_(\w+?)(?: = 1)?,", enum)
        if not names:
            names = re.findall(r"Anum_(\w+)", enum)
        table = max((t for t in tables() if names[0].startswith(t + "_")), key=len)
        columns = [name[len(table) + 1:] for name in re.findall(r"^\tAnum_(\w+)", enum, re.M)]
        actual = [row[0] for row in db.all(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            "djust_auth." + table)]
        equal(columns, actual[:len(columns)], f"{table}: as catalog.h numbers them")
        natts = re.search(r"Natts_\w+ = Anum_(\w+)", enum)
        if natts:
            # read by its name, because it stands behind what administrators had added in 1.0
            equal(natts.group(1), table + "_" + [column for column in actual if column != "store"][-1], f"{table}: and no more")
        seen.append(table)
    ok(len(seen) >= 7, "all enumerations were found", seen)


def tables():
    return [row[0] for row in db.all("SELECT relname FROM pg_class WHERE relnamespace = 'djust_auth'::regnamespace AND relkind = 'r'")]


def workers():
    user = db.create_user("parallel@catalog.example", profiles=[])
    db.run("SELECT djust_auth.create_profile('parallel')")
    db.run("SELECT djust_auth.set_right('parallel', '/orders', 'read')")
    db.run("SELECT djust_auth.add_profile(%s, 'parallel')", user)
    token = db.login("parallel@catalog.example")["access_token"]
    db.run("CREATE TABLE numbers AS SELECT n FROM generate_series(1, 10000) n; ANALYZE numbers")
    forced = "debug_parallel_query" if db.raw.server_version >= 160000 else "force_parallel_mode"
    db.run(f"SET {forced} = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0")
    count = "SELECT count(*) FROM numbers WHERE djust_can(%s, CASE WHEN n > 0 THEN '/orders' END, 'read')"
    plan = "\n".join(row[0] for row in db.all("EXPLAIN (ANALYZE, TIMING off) " + count, token))
    ok(re.search(r"Workers Launched: [1-9]", plan) is not None, "workers take part", plan)
    equal(db.one(count, token), 10000, "and see the session and its rights")
    db.begin()
    db.run("UPDATE djust_auth.profile_right SET access = 'none' WHERE profile = 'parallel'")
    equal(db.one(count, token), 0, "also the transaction's own change")
    db.rollback()
    equal(db.one(count, token), 10000, "and its rollback")


main(column_numbers, workers)
