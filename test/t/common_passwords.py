"""too_common: published passwords do not pass, generated ones do; what was found is told to the DBA alone; a check is quick."""

import random
import re
import string

from support import GOOD, SEED, Cluster, equal, main, measured, note, ok, setup

GENERATED = 10_000
SPECIALS = "~`!@#$%^&*()-_+={}[]|;:\"<>,./?"

cluster = Cluster("common", "log_min_messages = debug1", "log_error_verbosity = verbose", "log_statement = all")
db = cluster.connect()
db.run("CREATE EXTENSION djust_auth")
db.run("SET client_min_messages = warning")
setup("need_packages", "john-data", "wamerican")
choose = random.Random(SEED)


def lines(file):
    with open(file, encoding="utf-8", errors="replace") as content:
        return [line.rstrip("\n") for line in content]


def refused(passwords):
    """Those with this violation."""
    return db.one("SELECT coalesce(array_agg(p), '{}') FROM unnest(%s::text[]) p WHERE 'too_common' = ANY (djust_auth.check_password(p))", passwords)


def is_conforming(password):
    return (len(password) >= 8 and any(c in string.ascii_uppercase for c in password) and any(c in string.ascii_lowercase for c in password)
            and any(c in string.digits for c in password) and any(c in SPECIALS for c in password))


def published():
    """John the Ripper's list is one of words; people make them conform by a capital, a digit and a sign."""
    passwords = [line for line in lines("/usr/share/john/password.lst") if line and not line.startswith("#!comment")]
    passes = db.one("SELECT coalesce(array_agg(p), '{}') FROM unnest(%s::text[]) p WHERE djust_auth.check_password(p) = '{}'", passwords)
    equal(passes, [], "of the published passwords none passes")
    for most in (500, len(passwords)):
        dressed = [password.capitalize() + "1!" for password in passwords[:most] if re.fullmatch("[a-z]{6,}", password)]
        share = len(refused(dressed)) / len(dressed)
        ok(share > (0.6 if most > 500 else 0.8), f"of the first {most}, made to conform, most do not pass", share)
        note(f"figures: of {len(dressed)} of John the Ripper's first {most} passwords, as in {dressed[0]}, {share:.0%} are refused;"
             f" {sum(map(is_conforming, passwords[:most]))} conform as they are")


def generated():
    words = [word for word in lines("/usr/share/dict/american-english") if re.fullmatch("[a-z]{3,9}", word)]
    signs = [chr(c) for c in range(0x21, 0x7f)]
    four = ["-".join(word.capitalize() for word in choose.sample(words, 3)) + f"-{choose.randrange(10)}-{choose.choice(words)}" for _ in range(GENERATED)]
    equal(refused(four), [], "four random words and a digit always pass")
    note(f"figures: none of {GENERATED} of four words is refused, as in {four[0]}")
    shops = "dragon monkey summer monday liverpool berlin password football michael princess hamster welcome".split()
    equal(refused([" ".join(choose.sample(shops, 4)) for _ in range(100)]), [], "even of words that are built in")
    equal(refused(["".join(choose.choice(signs) for _ in range(12)) for _ in range(GENERATED)]), [], "so do twelve random characters")
    eight = [password for password in ("".join(choose.choice(signs) for _ in range(8)) for _ in range(2 * GENERATED)) if is_conforming(password)]
    note(f"figures: none of {GENERATED} of 12 random characters is refused, {len(refused(eight))} of {len(eight)} conforming ones of 8")


def told():
    """The log is as talkative as it can be."""
    db.run("SET client_min_messages = notice")
    del db.raw.notices[:]
    db.one("SELECT djust_auth.check_password(%s)", "Schmetterling-2031")
    ok("It contains: schmetterling, 2031." in "".join(db.raw.notices), "a NOTICE tells what was found", db.raw.notices)
    db.one("SELECT djust_auth.check_password(%s)", "Kz7-Kz7-Kz7-Kz7-")
    ok("too few different characters" in db.raw.notices[-1], "or that nothing was", db.raw.notices)
    db.run("SET djust_auth.password_context = 'Quastenflosser'")
    db.one("SELECT djust_auth.check_password(%s)", "Qu@stenflosser1")
    ok("qu@stenflosser" in db.raw.notices[-1], "also a name of the shop", db.raw.notices)
    db.run("INSERT INTO djust_auth.password_blocklist VALUES ('nachtfalter')")
    db.one("SELECT djust_auth.check_password(%s)", "N@chtfalter1!")
    ok("nachtfalter" in db.raw.notices[-1], "and an entry of the list", db.raw.notices)
    user_id = db.create_user("ann@common.example", GOOD)
    del db.raw.notices[:]
    token = db.login("ann@common.example", GOOD)["access_token"]
    answer = db.one("SELECT djust_change_password(%s, %s, %s)::text", token, GOOD, "Schmetterling-2032")
    ok('"too_common"' in answer and "chmetterling" not in answer, "a customer hears only that it is too common", answer)
    equal(db.raw.notices, [], "and sees no NOTICE")
    try:
        db.run("SELECT djust_auth.set_password(%s, %s)", user_id, "Schmetterling-2033")
    except Exception as error:  # pylint: disable=broad-except
        ok("too_common" in str(error) and "chmetterling" not in str(error), "nor does the error of set_password name the word", error)
    ok("the password is too common" in cluster.log(), "the log has the NOTICE")
    ok(not re.search("(?i)schmetterling|stenflosser|chtfalter1|2031", cluster.log().replace("'Quastenflosser'", "")), "but not what was found")


def quick():
    """In the backend's own time, beside a hash's; the list is a large one."""
    db.run("SET client_min_messages = warning")
    db.run("SET log_statement = none")
    db.run("SET log_min_messages = warning")
    db.run("INSERT INTO djust_auth.password_blocklist SELECT md5(i::text) FROM generate_series(1, 100000) i")
    db.run("ANALYZE djust_auth.password_blocklist")

    def cost(statement, times, *values):
        spent = []
        for _ in range(3):
            begun = db.processor_time()
            db.run(f"{statement} FROM generate_series(1, {times}) i", *values)
            spent.append((db.processor_time() - begun) / times * 1e6)
        return min(spent)

    check = "SELECT count(djust_auth.check_password(%s || left(i::text, 0)))"
    figures = {password: cost(check, 5000, password) for password in (GOOD, "Password1!", "k#9Wq!zRt3%u", "Correct-Horse-7-Staple")}
    longest = cost(check, 20, "".join(choose.choice("aeiou!1l0$") for _ in range(1024)))
    hashed = cost("SELECT djust_auth.set_password(%s, %s)", 5, db.create_user("hash@common.example", GOOD), GOOD)
    note("figures: µs a check: " + ", ".join(f"{password} {us:.0f}" for password, us in figures.items()) + f", 1024 bytes {longest:.0f}, a hash {hashed:.0f}")
    measured(max(figures.values()) < hashed / 100, "an ordinary password is judged in a hundredth of a hash's time", (figures, hashed))
    measured(longest < hashed, "and the longest in less than a hash takes", (longest, hashed))


main(published, generated, told, quick)
