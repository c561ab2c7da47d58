"""The library with and without preloading, and the key file: failures and their messages."""

import os
import stat

from support import GOOD, Cluster, equal, error_of, fails, main, ok, shop

UUID = "'00000000-0000-0000-0000-000000000001'"

# One call of every function of sections 2 and 5 of the contract

PUBLIC = """
    djust_login('ann@preload.example', 'Tulips-4-Ann')
    djust_can('x', '/orders', 'read')
    djust_can(NULL, '/orders', 'read')
    djust_refresh('djr_x')
    djust_logout('x')
    djust_reset_request('ann@preload.example')
    djust_reset_confirm('djp_x', 'Tulips-4-Ann')
    djust_reset_page('djp_x')
    djust_introspect('x')
    djust_token('password', username => 'ann@preload.example', password => 'Tulips-4-Ann')
    djust_change_password('x', 'Tulips-4-Ann', 'Daisies-5-Bob')
    djust_sign_up('eve@preload.example', 'Tulips-4-Ann')
    djust_confirm_email('djc_x')
    djust_change_email('x', 'Tulips-4-Ann', 'eve@preload.example')
    djust_revert_email('djv_x')
    djust_sign_up_page()
    djust_confirm_page('djc_x')
    djust_sessions('x')
    djust_end_session('x')
    djust_jwks()
    djust_metadata()
    djust_request_user()
    djust_request_can('/orders', 'read')
    djust_pre_request()
"""
ADMINISTRATION = f"""
    create_user('bob@preload.example', 'Tulips-4-Ann')
    import_user('bob@preload.example', '$2b$12$abcdefghijklmnopqrstuuxjXkSpt8T8bQOQIfpBZtbSLs3MNu6Tq')
    invite_user('eve@preload.example')
    set_password({UUID}, 'Tulips-4-Ann')
    disable_user({UUID})
    enable_user({UUID})
    delete_user({UUID})
    export_user({UUID})
    change_email({UUID}, 'eve@preload.example')
    move_out({UUID}, 'eve@preload.example', 1)
    move_by_link('djc_x', 1)
    link_target('djc_x')
    link_followed(false, false)
    move_offer({UUID})
    move_in({UUID}, '')
    move_refuse({UUID})
    move_redirect({UUID}, {UUID}, 'eve@preload.example', 1)
    move_done({UUID}, {UUID})
    move_back({UUID}, {UUID})
    unlock_user({UUID})
    end_sessions({UUID})
    end_all_sessions()
    open_session({UUID})
    create_profile('p')
    drop_profile('p')
    add_profile({UUID}, 'p')
    remove_profile({UUID}, 'p')
    set_right('anonymous', '/orders', 'read')
    explain({UUID}, '/orders', 'read')
    check_password('Tulips-4-Ann')
    rotate_signing_key()
    claim_mail()
    mail_sent(1)
    mail_failed(1, 'reason')
    mail_rejected(1, 'reason')
    mail_due()
    purge()
    grant_api('postgres')
    postgrest_config()
    stats()
    stat_here()
    check()
    worker_start()
    worker_write()
    worker_purge()
    worker_heartbeat()
"""


def calls():
    return ([line.strip() for line in PUBLIC.split("\n") if line.strip()] +
            ["djust_auth." + line.strip() for line in ADMINISTRATION.split("\n") if line.strip()])


def without():
    cluster = Cluster("without", "shared_preload_libraries = ''")
    db = cluster.connect()
    db.run("CREATE EXTENSION djust_auth")
    ok(True, "without preloading CREATE EXTENSION works")
    ok(not os.path.exists(os.path.join(cluster.data, "djust_auth.key")), "and no key file is made")
    called = {call.split("(")[0].split(".")[-1] for call in calls()}
    for call in calls():
        fails("55000", lambda: db.all("SELECT * FROM " + call), f"without preloading {call.split('(')[0]} fails", "HINT: .*shared_preload_libraries")
    fails("55000", lambda: cluster.connect().all("SELECT djust_can('x', '/orders', 'read')"), "also as the first call of a session",
          "HINT: .*shared_preload_libraries")
    missing = db.all("""SELECT p.proname FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
        WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'djust_auth')
            AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND p.proname LIKE 'djust\\_%%' AND p.proname <> ALL (%s)""", list(called))
    equal(missing, [], "no public function was left out here")
    equal(db.row("SELECT djust_auth.check_hash('!'), djust_auth.token_shard('x'), djust_auth.normal_email('A@B.example'), djust_auth.email_shard('a@b.example', 1)"),
          ("no password", None, "a@b.example", 0), "what reads nothing but its arguments works")
    db.run("SET djust_auth.nonsense = 1")
    equal(db.one("SELECT count(*) FROM djust_auth.customer_user"), 0, "nothing was written")

    # a dump is plain DML: it restores all the same, constraints and triggers working
    db.run("INSERT INTO djust_auth.profile VALUES ('restored', NULL)")
    db.run("INSERT INTO djust_auth.profile_right VALUES ('restored', '/orders/{id}', 'read')")
    restored = db.one("""INSERT INTO djust_auth.customer_user (email, password_hash) VALUES ('Restored@Preload.example',
        '$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K') RETURNING id""")
    db.run("INSERT INTO djust_auth.user_profile VALUES (%s, 'restored')", restored)
    equal(db.one("SELECT email FROM djust_auth.customer_user WHERE id = %s", restored), "restored@preload.example",
          "without preloading rows can be restored")
    fails("23514", lambda: db.run("INSERT INTO djust_auth.profile_right VALUES ('restored', '/a//b', 'read')"), "and bad ones are refused")
    db.run("CREATE TEMP TABLE stray (a int, b bigint)")
    for (function,) in db.all("SELECT proname FROM pg_proc WHERE pronamespace = 'djust_auth'::regnamespace AND prorettype = 'trigger'::regtype"):
        db.run(f"CREATE TRIGGER stray BEFORE INSERT ON stray FOR EACH ROW EXECUTE FUNCTION djust_auth.{function}()")
        fails("39P01", lambda: db.run("INSERT INTO stray VALUES (1, 65536)"), f"{function} refuses a table that is not its own, also without preloading")
        db.run("DROP TRIGGER stray ON stray")
    db.run("UPDATE djust_auth.customer_user SET disabled_at = now()")
    db.run("DELETE FROM djust_auth.customer_user")
    db.run("DELETE FROM djust_auth.profile WHERE name = 'restored'")

    # the DBA follows the hint
    cluster.stop("fast")
    cluster.configure("shared_preload_libraries = 'djust_auth'")
    cluster.ctl("start")
    db = cluster.connect()
    shop(db)
    db.create_user("ann@preload.example", profiles=["customer"])
    tokens = db.login("ann@preload.example")
    ok(error_of(tokens) is None and db.can(tokens["access_token"]), "preloaded and restarted, the same database works", tokens)
    fails("22023", lambda: db.run("SET djust_auth.argon2_memory = 1024"), "and its settings are checked")
    fails("42602", lambda: db.run("SET djust_auth.nonsense = 1"), "and misspelt ones refused")
    cluster.stop("fast")


cluster = Cluster("keyfile")
key_file = os.path.join(cluster.data, "djust_auth.key")


def read_key():
    with open(key_file, encoding="ascii") as file:
        return file.read()


def restart(*lines):
    cluster.configure(*lines)
    cluster.ctl("-m", "fast", "restart")
    return cluster.connect()


def first_start():
    db = cluster.connect()
    status = os.stat(key_file)
    equal((stat.S_ISREG(status.st_mode), stat.S_IMODE(status.st_mode), status.st_uid), (True, 0o600, os.stat(cluster.data).st_uid),
          "the key file is made at the first start, 0600 and the server's")
    ok(len(read_key()) == 65 and int(read_key(), 16) > 0, "and holds 32 bytes in hexadecimal digits")
    before = read_key()
    db.run("CREATE EXTENSION djust_auth")
    shop(db)
    db.create_user("ann@preload.example", profiles=["customer"])
    tokens = db.login("ann@preload.example")
    db = restart()
    equal(read_key(), before, "a restart does not change it")
    ok(db.can(tokens["access_token"]) and error_of(db.refresh(tokens["refresh_token"])) is None, "and tokens live on")


def refused(name, pattern, tokens):
    """The server has started all the same."""
    db = cluster.connect()
    equal(db.one("SELECT 1"), 1, f"{name}: the server runs")
    fails("55000", lambda: db.login("ann@preload.example"), f"{name}: djust_login fails", "HINT: ")
    fails("55000", lambda: db.refresh(tokens["refresh_token"]), f"{name}: djust_refresh fails", "HINT: ")
    log = cluster.log()
    ok(log.count("key file") > 0 and pattern in log.split("database system is shut down")[-1], f"{name}: the log says why", log[-1500:])
    ok(read_key().strip() not in log, f"{name}: and does not show the file")
    ok(not any(secret in log for secret in (GOOD, tokens["refresh_token"])), f"{name}: nor the passwords and tokens of the calls that failed",
       [line for line in log.split("\n") if GOOD in line][:2])
    equal(db.one("SELECT count(*) FROM djust_auth.customer_user"), 1, f"{name}: other work goes on")


def bad_key_files():
    tokens = cluster.connect().login("ann@preload.example")
    good = read_key()
    os.chmod(key_file, 0o644)
    restart()
    refused("key file with mode 0644", "0600", tokens)
    equal(stat.S_IMODE(os.stat(key_file).st_mode), 0o644, "and is left as it is")

    os.chmod(key_file, 0o600)
    for name, content in (("garbage", "this is not a key\n"), ("an empty file", ""), ("a digit less", good[1:]), ("a digit more", "0" + good)):
        with open(key_file, "w", encoding="ascii") as file:
            file.write(content)
        restart()
        db = cluster.connect()
        if name == "garbage":
            refused("key file with garbage", "64 hexadecimal digits", tokens)
        else:
            fails("55000", lambda: db.login("ann@preload.example"), f"key file with {name}: djust_login fails", "HINT: ")
        equal(read_key(), content, f"key file with {name}: is not written over")

    with open(key_file, "w", encoding="ascii") as file:
        file.write(good)
    db = restart()
    ok(db.can(tokens["access_token"]) and error_of(db.refresh(tokens["refresh_token"])) is None, "the right one put back, tokens of before are good")
    os.chmod(key_file, 0o400)
    db = restart()
    ok(error_of(db.login("ann@preload.example")) is None, "mode 0400 is private enough")


def elsewhere():
    """key_file elsewhere, and where it cannot be made."""
    other = Cluster("elsewhere", "djust_auth.key_file = '/nowhere/djust_auth.key'")
    db = other.connect()
    fails("55000", lambda: db.run("CREATE EXTENSION djust_auth"), "where the key file cannot be made CREATE EXTENSION fails", "HINT: ")
    ok("/nowhere/djust_auth.key" in other.log(), "and the log names the file")
    path = os.path.join(other.folder, "elsewhere.key")
    other.configure(f"djust_auth.key_file = '{path}'")
    other.ctl("-m", "fast", "restart")
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "djust_auth.key_file names another place")
    db = other.connect()
    db.run("CREATE EXTENSION djust_auth")
    db.create_user("ann@preload.example")
    ok(error_of(db.login("ann@preload.example")) is None, "which is used")
    other.stop("fast")


main(without, first_start, bad_key_files, elsewhere)
