/*
 * pwhash_test.c
 *		Published password hashes of every scheme, the spellings that must be
 *		refused, the ceilings, and what is left in the arena.
 *
 * Where no publication has the form, hashes were made by others than us:
 * passlib 1.7.4, argon2-cffi 21.1.0, bcrypt 3.2.2 and Python's hashlib, as
 * each comment says.
 */
#include <stdlib.h>

#include "check.h"
#include "pwhash/pwhash.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FIREBASE \
	"$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
#define LETMEIN "l\xc3\xa8tmein" /* Django's test password, UTF-8 */

/* The reference implementation's smallest Argon2id vector (phc-winner-argon2, src/test.c). */
#define SMALL "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

typedef struct Vector
{
	const char *password;
	const char *stored;
} Vector;

/* The stored hash in a block of exactly its size: the sanitizer sees a byte too many. */
static PwResult
verify(const char *stored, const char *password, size_t password_length, const PwArena *arena)
{
	size_t n = strlen(stored);
	char *copy = malloc(n + 1);
	PwResult result;

	memcpy(copy, stored, n);
	copy = realloc(copy, n > 0 ? n : 1);
	result = pwhash_verify((Slice){copy, n}, (Slice){password, password_length}, arena);
	free(copy);
	return result;
}

/* What pwhash_fault says of a string. */
static PwResult
judged(Slice stored)
{
	const char *scheme;
	PwFault fault = pwhash_fault(stored, &scheme);

	return fault == PW_FAULT_NONE       ? PW_MATCH :
		   fault == PW_FAULT_TOO_COSTLY ? PW_TOO_COSTLY :
		   fault == PW_FAULT_TOO_CHEAP  ? PW_TOO_CHEAP :
										  PW_MALFORMED;
}

/*
 * Each password matches and one changed in its last bit does not; nor do, for
 * the first of a table, one with a byte more and one with a byte less.
 */
static void
check_vectors(const Vector *vectors, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
	{
		const char *stored = vectors[i].stored;
		size_t n = strlen(vectors[i].password);
		char other[256];

		memcpy(other, vectors[i].password, n);
		other[n] = '!';
		CHECK_THAT(judged(slice_of(stored)) == PW_MATCH, stored);
		CHECK_THAT(verify(stored, vectors[i].password, n, NULL) == PW_MATCH, stored);
		if (n == 0 || n >= 72)
			continue; /* bcrypt looks no further than 72 */
		other[n - 1] ^= 1;
		CHECK_THAT(verify(stored, other, n, NULL) == PW_MISMATCH, stored);
		if (i > 0)
			continue;
		other[n - 1] ^= 1;
		CHECK_THAT(verify(stored, other, n + 1, NULL) == PW_MISMATCH, stored);
		CHECK_THAT(verify(stored, other, n - 1, NULL) == PW_MISMATCH, stored);
	}
}

/* Every string gets this verdict from both functions. */
static void
check_judged(const char *const *stored, size_t count, PwResult expected)
{
	size_t i;

	for (i = 0; i < count; i++)
	{
		CHECK_THAT(judged(slice_of(stored[i])) == expected, stored[i]);
		CHECK_THAT(verify(stored[i], "password", 8, NULL) == expected, stored[i]);
	}
}

/*
 * phc-winner-argon2, src/test.c.  Its version 16 vectors are printed without
 * "v=", which its own encoder has written ever since; here they carry it.
 */
static void
test_argon2_reference(void)
{
	static const Vector id[] = {
		{"password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
		{"password", SMALL},
		{"password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"},
		{"password", "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg"},
		{"differentpassword", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94"},
		{"password", "$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw"}};
	static const Vector i[] = {
		{"password", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8"},
		{"password", "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E"},
		{"password", "$argon2i$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$qqlT1YrzcGzj3xrv1KZKhOMdf1QXUjHxKFJZ+IF0zls"},
		{"password", "$argon2i$v=16$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY"},
		{"password", "$argon2i$v=16$m=256,t=2,p=2$c29tZXNhbHQ$tsEVYKap1h6scGt5ovl9aLRGOqOth+AMB+KwHpDFZPs"}};

	check_vectors(id, COUNT(id));
	check_vectors(i, COUNT(i));
}

/* The first four by argon2-cffi (salts of 8 and 64 bytes, hashes of 16 and 64), the others by passlib. */
static void
test_argon2_others(void)
{
	static const Vector d[] = {
		{"password", "$argon2d$v=19$m=256,t=2,p=2$c29tZXNhbHQ$e2nJLXw4iarRKB28i678Esw3yA8cdeM+8sLUDCjrxXM"},
		{"password", "$argon2d$v=16$m=256,t=2,p=2$c29tZXNhbHQ$apHQK5+IVLoIQfBKpuU8HTN0wKDGRrjkMbA96AW5HsM"}};
	static const Vector id[] = {
		{"password",
		 "$argon2id$v=19$m=64,t=1,p=1$c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc"
		 "3Nzc3Nzc3Nzcw$ip8wWeb4Sv41jZwK85YHzZ1o6gdrKV/QpDCW2t6hqWuY0nLqwidB9XchwDyrqiOHhVYbbZowm785MBr5Zv6myw"},
		{"password", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$pMlwOs/gn+zdvoB/AGiRNA"},
		{LETMEIN, "$argon2id$v=19$m=512,t=3,p=4$8PHy8/T19vf4+fr7/P3+/w$5QwchzjI8Bag3d1EHWF8cA"},
		{LETMEIN, "argon2$argon2id$v=19$m=512,t=2,p=8$8PHy8/T19vf4+fr7/P3+/w$pgJTv/qrhpTpnsRHDt1e7Q"}};
	static const Vector i[] = {
		{LETMEIN, "argon2$argon2i$v=19$m=512,t=2,p=2$8PHy8/T19vf4+fr7/P3+/w$s5XOEIhBegw1aYEklmHPaA"}};

	check_vectors(d, COUNT(d));
	check_vectors(id, COUNT(id));
	check_vectors(i, COUNT(i));
}

/*
 * RFC 7914 section 12 (hashes of 64 bytes) in PHC spelling; passlib; and
 * Django's own test (tests/auth_tests/test_hashers.py).
 */
static void
test_scrypt(void)
{
	static const Vector vectors[] = {
		{"password",
		 "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vI"
		 "I3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA"},
		{LETMEIN, "$scrypt$ln=10,r=8,p=2$8PHy8/T19vf4+fr7/P3+/w$DHY8J8lLsqbEtkvOG95CqPcNTOURZHTEZEEtqmPY8gg"},
		{LETMEIN,
		 "scrypt$16384$seasalt$8$5$ECMIUp+LMxMSK8xB/IVyba+KYGTI7FTn"
		 "et025q/1f/vBAVnnP3hdYqJuRi+mJn6ji6ze3Fbb7JEFPKGpuEf5vw=="}};

	check_vectors(vectors, COUNT(vectors));
}

/* PHC by hashlib; passlib's three by passlib; Django's by passlib, the first as in Django's own test. */
static void
test_pbkdf2(void)
{
	static const Vector vectors[] = {
		{LETMEIN, "$pbkdf2-sha256$i=1000,l=32$8PHy8/T19vf4+fr7/P3+/w$NLCxhEx13MijqfW7prAglClHI+JU+g8ztpZ9vKGmT6s"},
		{LETMEIN, "$pbkdf2-sha256$i=1000$8PHy8/T19vf4+fr7/P3+/w$NLCxhEx13MijqfW7prAglClHI+JU+g8ztpZ9vKGmT6s"},
		{LETMEIN, "$pbkdf2-sha512$i=1000,l=32$8PHy8/T19vf4+fr7/P3+/w$G38+kKPBMjhq6JujX0e7u7RNAFJTRe7Cj3TBITWP4wc"},
		{LETMEIN, "$pbkdf2$1000$8PHy8/T19vf4.fr7/P3./w$2dR7RQBzM8AucQZS9jFU./.ZRBA"},
		{LETMEIN, "$pbkdf2-sha256$1000$8PHy8/T19vf4.fr7/P3./w$NLCxhEx13MijqfW7prAglClHI.JU.g8ztpZ9vKGmT6s"},
		{LETMEIN,
		 "$pbkdf2-sha512$1000$8PHy8/T19vf4.fr7/P3./w$G38.kKPBMjhq6JujX0e7u7"
		 "RNAFJTRe7Cj3TBITWP4weBT/.cgn35E3NdvJUwKJnWFeLB2iwIl1HxKJw4Dfd2GQ"},
		{LETMEIN, "pbkdf2_sha256$320000$seasalt$Toj2II2rBvFiGQcPmUml1Nlni2UtvyRWwz/jz4q6q/4="},
		{LETMEIN, "pbkdf2_sha1$10000$seasalt$oAfF6vgs95ncksAhGXOWf4Okq7o="}};

	check_vectors(vectors, COUNT(vectors));
}

/* Openwall crypt_blowfish, wrapper.c; the $2b$ pair by bcrypt. */
static void
test_bcrypt(void)
{
	static const Vector vectors[] = {
		{"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
		{"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
		{"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
		{"", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"},
		{"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored",
		 "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"},
		{"\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"},
		{LETMEIN, "$2b$05$CCCCCCCCCCCCCCCCCCCCC./mc37Kdhrv0B3/.B13E.XXGgHg1yCoy"},
		{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		 "$2b$05$CCCCCCCCCCCCCCCCCCCCC.D7RDOYXakZhsFmh/LdqQNx0kQ424AFS"}};

	check_vectors(vectors, COUNT(vectors));
}

/* Drepper, "Unix crypt using SHA-256 and SHA-512", version 0.6, the test vectors of its two programs. */
static void
test_sha_crypt(void)
{
	static const Vector vectors[] = {
		{"Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
		{"Hello world!", "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"},
		{"This is just a test", "$5$rounds=5000$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5"},
		{"a very much longer text to encrypt.  This one even stretches over morethan one line.",
		 "$5$rounds=1400$anotherlongsalts$Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1"},
		{"we have a short salt string but not a short password",
		 "$5$rounds=77777$short$JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/"},
		{"a short string", "$5$rounds=123456$asaltof16chars..$gP3VQ/6X7UUEW3HkBn2w1/Ptq2jxPyzV/cZKmF/wJvD"},
		{"the minimum number is still observed",
		 "$5$rounds=1000$roundstoolow$yfvwcWrQ8l/K0DAWyuPMDNHpIVlTQebY9l/gL972bIC"},
		{"Hello world!",
		 "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
		{"Hello world!",
		 "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3"
		 "Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."},
		{"This is just a test",
		 "$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0Q"
		 "BxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0"},
		{"a very much longer text to encrypt.  This one even stretches over morethan one line.",
		 "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti."
		 "o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1"},
		{"we have a short salt string but not a short password",
		 "$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeE"
		 "yQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0"},
		{"a short string",
		 "$6$rounds=123456$asaltof16chars..$BtCwjqMJGx5hrJhZywWvt0RLE8"
		 "uZ4oPwcelCjmw2kSYu.Ec6ycULevoBK25fs2xXgMNrCzIMVcgEJAstJeonj1"},
		{"the minimum number is still observed",
		 "$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NP"
		 "N0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX."}};

	check_vectors(vectors, COUNT(vectors));
}

/*
 * Hashes of other systems, made by those systems' own libraries: Django 3.2, passlib 1.7.4, Werkzeug 2.2, libxcrypt 4.4,
 * PHP 8.2 (WordPress's $wp$), and of npm better-auth, wordpress-hash-node, phpass, drupal-hash, firebase-scrypt,
 * aspnetcore-identity-password-hasher.  Spring's and Werkzeug's scrypt, which no package has, by Python's hashlib.
 */
static void
test_imports(void)
{
	static const Vector vectors[] = {
		{LETMEIN, "sha1$ALbELUneVYLqE7LvveFYTN$e00c7ae871a506bf260b4ee4fbd94c4eb88ea263"},
		{LETMEIN, "md5$srqzffd4eIrB5XkUnDBplC$a173d6d9404146fbb4c794b67239dfb0"},
		{LETMEIN, "sha1$$6d138ca3ae545631b3abd71a4f076ce759c5700b"},
		{LETMEIN, "md5$$88a434c88cca4e900f7874cd98123f43"},
		{LETMEIN, "88a434c88cca4e900f7874cd98123f43"},
		{LETMEIN, "bcrypt_sha256$$2b$05$NN2ig5l88XA6SOT2.govHukpwxQOXxZXXCFr.P6VPRiE7S/Z.c5z2"},
		{LETMEIN, "bcrypt$$2b$05$H573V2ekBADcDOOw0ez9vOjbo6S9v/F9lFsuHEZ4u/m9zydSdcxaG"},
		{LETMEIN,
		 "pbkdf2:sha256:1000$PR25tWN6m9VViU14$5e9e640235ff4abb0c61f01b86185da975739e77f6a85a05d9f057c798048f86"},
		{LETMEIN, "pbkdf2:sha1:1000$CS0GDZjlxbyFSY1v$6dd49de5273e2147b7f77f2f75f8bcd9bbc70179"},
		{LETMEIN,
		 "pbkdf2:sha512:1000$X536XKJ1NHCXd37y$eb28f2d180141d88b525f933c6683207d95e8e42c3b8b295"
		 "ec49cbd265634e0abfc6a93166b545d1f0e7db36d4502dbb06b748709ad53e8ab80e61827bc5a01b"},
		{LETMEIN,
		 "scrypt:1024:8:1$seasaltseasalt16$2d6d5f606c5ff31f88614c21f9e7589354ecd894930d3a28"
		 "6083a5a5c4c79c35a09db4c3d727ff0138b1b5aa1c1c381f85feb0bd337b060942c8088ebcc03277"},
		{LETMEIN, "{SHA}bROMo65UVjGzq9caTwds51nFcAs="},
		{LETMEIN, "{SSHA}6HVRgD2RlwXJfvPvpWj7aDLZ7vOHcM45"},
		{LETMEIN, "{ssha}6HVRgD2RlwXJfvPvpWj7aDLZ7vOHcM45"},
		{LETMEIN, "{ldap}{SSHA}6HVRgD2RlwXJfvPvpWj7aDLZ7vOHcM45"},
		{LETMEIN, "{MD5}iKQ0yIzKTpAPeHTNmBI/Qw=="},
		{LETMEIN, "{SMD5}gf4EV6Qs+a9F0gxc0uzfxj7nPKc="},
		{LETMEIN, "{SSHA256}Xumt1ZCFfZotBh1HSJeUyONIiJGcWSpTJ73iwdT658yGcA5BqHWuNQ=="},
		{LETMEIN,
		 "{SSHA512}/XwiqR1TAwFIUaxaycLh9XDYRfk9R82Tl1MqYvSSBq6DXRYofPLx/XC4EjwM8v1y6LDXT1KooDRtitguwGlPhcc4p/S+9z7n"},
		{LETMEIN, "{PBKDF2}1000$mvMeQ4gxxtj7P2esFWJsDQ$F0uR0lP/EzT08pUp8lpW.bMoiqc"},
		{LETMEIN, "{PBKDF2-SHA256}1000$rBXCuLdWinGulVJqDQGA8A$pIzLN5pD3hhdfl8oJCy/ubRVduIyFzhu//uUK2ycnWE"},
		{LETMEIN,
		 "{PBKDF2-SHA512}1000$975X6j0HYExpzfk/ZywlZA$9VzMkTvwp053jR43p3q2cj"
		 ".eDzYB1naKST2KqxwuPrhQ1PqfXxHx3fDiHMWyuJcKh3nRAXi4pTn.Qksv4InAaw"},
		{LETMEIN,
		 "{CRYPT}$6$rounds=1000$fC6BcazPfBQsyUGG$fKj0jJlvUbK5db14SL73QdpY9m"
		 "wR.P8oYwLabOmjdcJhmWH3xF4wPnBR0mwpDAhz7iTrW5b/2LIOz8c0TdIm6."},
		{LETMEIN, "$P$6mwWuTNTyEGGtDK6IFqvfkkoLwQCGS1"},
		{LETMEIN, "$H$6mwWuTNTyEGGtDK6IFqvfkkoLwQCGS1"},
		{"password", "$P$B5R2NphIR4PoLDJtRpyO9ri8SiIcDw0"},
		{LETMEIN, "$wp$2y$05$6DqJGje6yZ2ScWGEPldY9OOIvvNL/LIS5YEdz4v82c8Q4nFCmD7Qq"},
		{LETMEIN, "$S$DJYLlGxskC.p9V/1ZyHVLde4NqPmAcWzcjlPTS145eHSshB7BxwD"},
		{LETMEIN, "$1$Z7ZJ.jD6$cyFqqDztrfKaxJxy2H4PP/"},
		{LETMEIN, "$md5$2pVBAzQI$$C0tffRWaVGGKOGxORbvVf."},
		{LETMEIN, "$sha1$500$Ff058r5k$gj0kpMPkDLesie/oGV8xrVeb.zHL"},
		{"password", "_Z/..7f2GIl0q6DFPXIE"},
		{"password", "$3$$8846f7eaee8fb117ad06bdd830b7586c"},
		{LETMEIN, "$y$j75$4/ENzaVdBe6YyGMjJAfHO/$Z6VKkYCXFYieFL86yhs0DZ3d2UG2/Ihp8ajidtx20Q3"},
		{LETMEIN, "$gy$j75$bMMlrY88f3riDRXgyoYc00$FqLemKmHZM/5zd5yl9aJoO2jkKf5lQwg/RyXLECiEF6"},
		{LETMEIN, "$7$BU..../....OCZK0wXsd2wyDNRV7WtZ61$2q9Qwa1N4KPDrii1pKUmGY0JvxFrxOTRf4A6S8F9IP6"},
		{LETMEIN,
		 "$pbkdf2-sha1$i=1000,l=64$c2l4dGVlbiBieXRlcyBvaw$86ypQS2K/0PeUnIBD05"
		 "1CgpVqWTegn1xyGg6ZjlKvj463AEc4JFZ11DN0NUHpad5SPQOYUBcLzt4PMDWwzBTMg"},
		{LETMEIN, "$pbkdf2-sha512$i=1000,l=20$c2l4dGVlbiBieXRlcyBvaw$i4nSqXvGuuOoX7R4SEDh1PGBzrY"},
		{"password", "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY"},
		{LETMEIN,
		 "9722f373149295c5c5f5988a97145cda:5ec4f965d5a14da4644d4664dd3c19debfcd4c3b6ce87d7c8"
		 "ae195bac1a953e61b1c4425c6a72a2f7b39ce2b450bed39ccfbd8d583cf18d4dd17891d28dd2b91"},
		{"\xef\xac\x81ve \xe2\x85\xa7", /* better-auth hashes "five VIII" */
		 "eb64599692f7bab4b025e9b5ec34a330:61121cbecb696ea6391e30626c8a19189f2165e143aca5b84"
		 "991359553d0f95ed189b8981a906353d39571f8905a6628140ab03946fd63d4a53d6d928b46423e"},
		{"user1password",
		 FIREBASE
		 "$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="},
		{LETMEIN,
		 FIREBASE
		 "$42xEC+ixf3L2lw==$SyXw1wzYXNBrEcF1YCTRv3394mZ1xMtHXiINK36C5u509G7HxDt8iG0a2kAPgNjWs7LMbhPTLt+R5BVD/Pto1w=="},
		{LETMEIN, "AQAAAAEAACcQAAAAENw5vOPmQiZv0Ov8Gx9wfMLjjOlOd5Kt1ip5yVIRF6NGKIzdrqOj9qeng5UyZ/hGLQ=="},
		{LETMEIN, "{pbkdf2}000102030405060708e1e972b3c991e77abc8443ed4ccb329d88e8a8500b78c4c7379501caa3a9bb"},
		{LETMEIN,
		 "{pbkdf2@SpringSecurity_v5_8}000102030405060708090a0b0c0d0e0f"
		 "ba5c555c21ccbaf04f9040a6ae756ab3d69d120f06ae95eb0d61b966c002c902"},
		{LETMEIN, "{scrypt}$a0801$AAECAwQFBgcICQoLDA0ODw==$nkIet0OzGMHuENHap6UFxONPfEj6uZM2wVm4aOG0d54="},
		{LETMEIN, "{sha256}000102030405060720c3eabad1840abba6d6fff73463d66e433d5405a5bee4e1782d564ccb031100"},
		{LETMEIN, "{MD5}{AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}ca48f64011b198a07f53a38c925b0ed3"},
		{LETMEIN, "{SHA-1}{AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}15496bc29b354791980374f7e793c0635e13797f"},
		{LETMEIN,
		 "{SHA-256}{AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}"
		 "4189bc62741af1ba32b06c1f653bcdea595fd7ea97c4bbd0f0f7c4a3e91f49b6"},
		{LETMEIN, "{argon2}$argon2id$v=19$m=512,t=3,p=4$8PHy8/T19vf4+fr7/P3+/w$5QwchzjI8Bag3d1EHWF8cA"},
		{LETMEIN, "{bcrypt}$2b$05$CCCCCCCCCCCCCCCCCCCCC./mc37Kdhrv0B3/.B13E.XXGgHg1yCoy"}};

	check_vectors(vectors, COUNT(vectors));
}

#define TAIL "$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
#define PHC_TAIL "$8PHy8/T19vf4+fr7/P3+/w$NLCxhEx13MijqfW7prAglClHI+JU+g8ztpZ9vKGmT6s"
#define TAIL64 "/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA=="
#define SHA256_TAIL "saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"
#define SHA512_TAIL "saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz"

/* Not hashes at all, and hashes of schemes that are not taken. */
static void
test_foreign(void)
{
	static const char *const strings[] = {"",
										  "password",
										  "correct horse battery staple",
										  "$",
										  "$$",
										  "$$$$$$",
										  "!",
										  "*",
										  "plain$with$dollars",
										  "xxtHrOGVa3182",
										  "$md5$x",
										  "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7Bk"
										  "eZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
										  "$2$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										  "$argon2$v=19$m=256,t=2,p=1" TAIL,
										  "argon2id$v=19$m=256,t=2,p=1" TAIL,
										  "argon2$$argon2id$v=19$m=256,t=2,p=1" TAIL,
										  "$ARGON2ID$v=19$m=256,t=2,p=1" TAIL,
										  " " SMALL,
										  SMALL " ",
										  SMALL "\n"};

	check_judged(strings, COUNT(strings), PW_MALFORMED);
}

/* Missing, repeated, reordered and misspelt fields, and every number that is not canonical. */
static void
test_argon2_malformed(void)
{
	static const char *const strings[] = {
		"$argon2id$",
		"$argon2id$v=19",
		"$argon2id$v=19$",
		"$argon2id$v=19$m=256,t=2,p=1",
		"$argon2id$v=19$m=256,t=2,p=1$",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
		"$argon2id$v=19$m=256,t=2,p=1$$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=$m=256,t=2,p=1" TAIL,
		"$argon2id$v=19,m=256,t=2,p=1" TAIL,
		"$argon2id$v=17$m=256,t=2,p=1" TAIL,
		"$argon2id$v=019$m=256,t=2,p=1" TAIL,
		"$argon2id$v=19$m=0256,t=2,p=1" TAIL,
		"$argon2id$v=19$m=256,t=02,p=1" TAIL,
		"$argon2id$v=19$m=256,t=2,p=01" TAIL,
		"$argon2id$v=19$m=+256,t=2,p=1" TAIL,
		"$argon2id$v=19$m=-256,t=2,p=1" TAIL,
		"$argon2id$v=19$m= 256,t=2,p=1" TAIL,
		"$argon2id$v=19$m=0x100,t=2,p=1" TAIL,
		"$argon2id$v=19$m=,t=2,p=1" TAIL,
		"$argon2id$v=19$m=256,t=2,p=" TAIL,
		"$argon2id$v=19$t=2,m=256,p=1" TAIL,
		"$argon2id$v=19$m=256,t=2" TAIL,
		"$argon2id$v=19$m=256,t=2,p=1,p=1" TAIL,
		"$argon2id$v=19$m=256,t=2,p=1,keyid=AAAA" TAIL,
		"$argon2id$v=19$m=256,t=2,p=1" TAIL "$",
		"$argon2id$v=19$m=256,t=2,p=1" TAIL "$c29tZQ",
		/* base64: padding, ab64, spare bits, url alphabet */
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ=$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4=",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/5",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHR$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR_uIPnA4rEsF5h7TKyQwu9U1bMCHGi_4",
		"$argon2id$v=16$m=256,t=2,p=2$c29tZXNhbHQ$.Kq7UxXGPN3Ns7SgIVUJKOUlaZ2o/L0cKwsczTXMh6c",
		/* salt of 7 and 65 bytes, hash of 11 */
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=64,t=1,p=1$c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc"
		"3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M$pMlwOs/gn+zdvoB/AGiRNA",
		"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$pMlwOs/gn+zdvoA"};

	check_judged(strings, COUNT(strings), PW_MALFORMED);
}

/* The same for scrypt and PBKDF2, whose spellings are not mixed either. */
static void
test_kdf_malformed(void)
{
	static const char *const strings[] = {
		"$scrypt$ln=10,r=8,p=2",
		"$scrypt$ln=010,r=8,p=2" PHC_TAIL,
		"$scrypt$ln=16,r=1,p=1" PHC_TAIL,
		"$scrypt$ln=10,r=8,p=2" PHC_TAIL "=",
		"$scrypt$ln=10,r=8,p=2$$" PHC_TAIL,
		"$scrypt$16384$8$5" PHC_TAIL,
		"scrypt$16384$seasalt$8$5$",
		"scrypt$16383$seasalt$8$5$" TAIL64,
		"scrypt$16384$$8$5$" TAIL64,
		"scrypt$16384$sea salt$8$5$" TAIL64,
		"scrypt$16384$sea\x01salt$8$5$" TAIL64,
		"scrypt$16384$s\xc3\xa8lt$8$5$" TAIL64,
		"scrypt$016384$seasalt$8$5$" TAIL64,
		"scrypt$16384$seasalt$8$05$" TAIL64,
		"scrypt$16384$seasalt$8$5$" TAIL64 "=",
		"scrypt$16384$seasalt$8$5$" TAIL64 "$",
		"scrypt$16384$seasalt$8$5$DHY8J8lLsqbEtkvOG95CqPcNTOURZHTEZEEtqmPY8gg=",
		"scrypt$16384$seasalt$8$5$/bq+HJ00cgB4VucZDQHp/nxq18vII3g"
		"w53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA",
		"$pbkdf2-sha256$i=01000" PHC_TAIL,
		"$pbkdf2-sha256$i=1000,l=33" PHC_TAIL,
		"$pbkdf2-sha256$i=1000,l=032" PHC_TAIL,
		"$pbkdf2-sha256$i=1000,l=" PHC_TAIL,
		"$pbkdf2-sha256$i=" PHC_TAIL,
		"$pbkdf2-sha256$l=32,i=1000" PHC_TAIL,
		"$pbkdf2-sha256$i=1000,x=1" PHC_TAIL,
		"$pbkdf2-sha256$i=1000" PHC_TAIL "=",
		"$pbkdf2-sha1$1000" PHC_TAIL,
		"$pbkdf2-sha384$1000" PHC_TAIL,
		"$pbkdf2-sha256$i=1000$8PHy8/T19vf4.fr7/P3./w$NLCxhEx13MijqfW7prAglClHI.JU.g8ztpZ9vKGmT6s",
		"$pbkdf2-sha256$01000" PHC_TAIL,
		"$pbkdf2-sha512$1000" PHC_TAIL,
		"$pbkdf2$1000" PHC_TAIL,
		"$pbkdf2-sha256$1000" PHC_TAIL "=",
		"$pbkdf2-sha256$1000$$NLCxhEx13MijqfW7prAglClHI.JU.g8ztpZ9vKGmT6s",
		"pbkdf2_sha256$0320000$seasalt$Toj2II2rBvFiGQcPmUml1Nlni2UtvyRWwz/jz4q6q/4=",
		"pbkdf2_sha256$320000$$Toj2II2rBvFiGQcPmUml1Nlni2UtvyRWwz/jz4q6q/4=",
		"pbkdf2_sha256$320000$seasalt$Toj2II2rBvFiGQcPmUml1Nlni2UtvyRWwz/jz4q6q/4",
		"pbkdf2_sha256$320000$seasalt$Toj2II2rBvFiGQcPmUml1Nlni2UtvyRWwz/jz4q6q/5=",
		"pbkdf2_sha256$320000$seasalt$oAfF6vgs95ncksAhGXOWf4Okq7o=",
		"pbkdf2_sha1$10000$seasalt$Toj2II2rBvFiGQcPmUml1Nlni2UtvyRWwz/jz4q6q/4=",
		"pbkdf2_sha512$10000$seasalt$Toj2II2rBvFiGQcPmUml1Nlni2UtvyRWwz/jz4q6q/4="};

	check_judged(strings, COUNT(strings), PW_MALFORMED);
}

/* Lengths, alphabet, cost spelling and spare bits of the crypt(3) schemes. */
static void
test_crypt_malformed(void)
{
	static const char *const strings[] = {"$2b$",
										  "$2b$05$",
										  "$2b$05$CCCCCCCCCCCCCCCCCCCCC.",
										  "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
										  "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW",
										  "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe!",
										  "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyO=W",
										  "$2b$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										  "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeX",
										  "$2b$5$CCCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										  "$2b$5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										  "$2b$5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW.",
										  "$2b$012$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										  "$2b$012$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
										  "$2b$005$CCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										  "$2b$+5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										  "$2b$05.CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										  "$5$",
										  "$5$saltstring",
										  "$5$saltstring$",
										  "$5$$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
										  "$5$" SHA256_TAIL "5",
										  "$5$" SHA256_TAIL "$",
										  "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc",
										  "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEcE",
										  "$5$saltstring$5B8vYYiY+CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
										  "$5$saltstringsaltstr$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
										  "$5$salt:string$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
										  "$5$rounds=05000$" SHA256_TAIL,
										  "$5$rounds=$" SHA256_TAIL,
										  "$5$rounds=5000" SHA256_TAIL,
										  "$5$rounds=5000,$" SHA256_TAIL,
										  "$5$rounds=5000$$" SHA256_TAIL,
										  "$6$" SHA256_TAIL,
										  "$6$" SHA512_TAIL,
										  "$6$" SHA512_TAIL "2",
										  "$6$" SHA512_TAIL "11",
										  "$5$" SHA512_TAIL "1"};

	check_judged(strings, COUNT(strings), PW_MALFORMED);
	CHECK(judged(slice_of("$6$" SHA512_TAIL "1")) == PW_MATCH);
}

/* Costs that a scheme itself does not allow. */
static void
test_floors(void)
{
	static const char *const below[] = {"$argon2id$v=19$m=256,t=0,p=1" TAIL,
										"$argon2id$v=19$m=256,t=2,p=0" TAIL,
										"$argon2id$v=19$m=0,t=2,p=1" TAIL,
										"$argon2id$v=19$m=7,t=2,p=1" TAIL,
										"$argon2id$v=19$m=15,t=2,p=2" TAIL,
										"$scrypt$ln=0,r=8,p=2" PHC_TAIL,
										"$scrypt$ln=10,r=0,p=2" PHC_TAIL,
										"$scrypt$ln=10,r=8,p=0" PHC_TAIL,
										"scrypt$1$seasalt$8$5$" TAIL64,
										"scrypt$0$seasalt$8$5$" TAIL64,
										"$pbkdf2-sha256$i=0" PHC_TAIL,
										"$pbkdf2-sha256$0" PHC_TAIL,
										"pbkdf2_sha256$0$seasalt$Toj2II2rBvFiGQcPmUml1Nlni2UtvyRWwz/jz4q6q/4=",
										"$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										"$2b$00$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										"$5$rounds=999$" SHA256_TAIL,
										"$5$rounds=0$" SHA256_TAIL};

	check_judged(below, COUNT(below), PW_TOO_CHEAP);
}

/* Each kind of fault; its text and hint are its own and hold nothing of the string. */
static void
test_faults(void)
{
	static const struct
	{
		PwFault fault;
		const char *stored;
	} cases[] = {{PW_FAULT_NONE, SMALL},
				 {PW_FAULT_CLEAR_TEXT, ""},
				 {PW_FAULT_CLEAR_TEXT, "Tulips-4-Ann"},
				 {PW_FAULT_CLEAR_TEXT, "$"},
				 {PW_FAULT_CLEAR_TEXT, "$$"},
				 {PW_FAULT_CLEAR_TEXT, "!"},
				 {PW_FAULT_CLEAR_TEXT, "plain$with$dollars"},
				 {PW_FAULT_CLEAR_TEXT, "{}"},
				 {PW_FAULT_CLEAR_TEXT, "{not closed"},
				 {PW_FAULT_CLEAR_TEXT, "Tulips4Annab!"},
				 {PW_FAULT_CLEAR_TEXT, "$a name with spaces$"},
				 {PW_FAULT_SPELLING, " " SMALL},
				 {PW_FAULT_SPELLING, SMALL "\n"},
				 {PW_FAULT_SPELLING, "\"" SMALL "\""},
				 {PW_FAULT_SPELLING, "$ARGON2ID$v=19$m=256,t=2,p=1" TAIL},
				 {PW_FAULT_SPELLING, "argon2id$v=19$m=256,t=2,p=1" TAIL},
				 {PW_FAULT_SPELLING, "$argon2id$v=19$m=256,t=2,p=1$"},
				 {PW_FAULT_SPELLING, "$2b$12$CCCCCCCCCCCCCCCCCCCCC"},
				 {PW_FAULT_SPELLING, "$6$saltstring"},
				 {PW_FAULT_SPELLING, "$scrypt$16384$8$5" PHC_TAIL},
				 {PW_FAULT_TOO_COSTLY, "$argon2id$v=19$m=4194304,t=2,p=1" TAIL},
				 {PW_FAULT_TOO_COSTLY, "$argon2id$v=19$m=4294967296,t=2,p=1$x"},
				 {PW_FAULT_TOO_COSTLY, "$2b$31$CCCCCCCCCCCCCCCCCCCCC"},
				 {PW_FAULT_TOO_COSTLY, "$6$rounds=999999999$salt$hash"},
				 {PW_FAULT_TOO_COSTLY, "pbkdf2_sha256$99999999999$seasalt$x"},
				 {PW_FAULT_TOO_CHEAP, "$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
				 {PW_FAULT_TOO_CHEAP, "$6$rounds=999$" SHA512_TAIL "1"},
				 {PW_FAULT_TOO_CHEAP, "$argon2id$v=19$m=1,t=1,p=1" TAIL},
				 {PW_FAULT_UNSUPPORTED, "xxtHrOGVa3182"},
				 {PW_FAULT_UNSUPPORTED, "{noop}Tulips-4-Ann"},
				 {PW_FAULT_CLEAR_TEXT, "_Tulips-4-Ann"},
				 {PW_FAULT_SPELLING, "$P$short"},
				 {PW_FAULT_SPELLING, "$y$x75$4/ENzaVdBe6YyGMjJAfHO/$Z6VKkYCXFYieFL86yhs0DZ3d2UG2/Ihp8ajidtx20Q3"},
				 {PW_FAULT_TOO_COSTLY, "$y$jHT$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"},
				 {PW_FAULT_UNSUPPORTED, "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"},
				 {PW_FAULT_UNSUPPORTED, "{X-NEW}abc"},
				 {PW_FAULT_UNSUPPORTED, "$8$seasalt$abc"},
				 {PW_FAULT_UNSUPPORTED, "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7Bk"}};
	char text[PWHASH_MAX + 2];
	const char *scheme;
	size_t i;

	for (i = 0; i < COUNT(cases); i++)
		CHECK_THAT(pwhash_fault(slice_of(cases[i].stored), &scheme) == cases[i].fault, cases[i].stored);
	memset(text, 's', sizeof(text));
	CHECK(pwhash_fault((Slice){text, PWHASH_MAX + 1}, &scheme) == PW_FAULT_CLEAR_TEXT);
	memcpy(text, "$2b$", 4);
	CHECK(pwhash_fault((Slice){text, PWHASH_MAX + 1}, &scheme) == PW_FAULT_SPELLING);
	for (i = PW_FAULT_CLEAR_TEXT; i <= PW_FAULT_UNSUPPORTED; i++)
	{
		CHECK(strlen(pwhash_fault_text((PwFault) i)) > 20 && strlen(pwhash_fault_hint((PwFault) i)) > 20);
		CHECK(strcmp(pwhash_fault_text((PwFault) i), pwhash_fault_text((PwFault) (i - 1))) != 0);
		CHECK((strstr(pwhash_fault_hint((PwFault) i), "set_password()") != NULL) == (i == PW_FAULT_CLEAR_TEXT));
	}
}

/* At each ceiling the check passes (it does no work); one step above it does not. */
static void
test_ceilings(void)
{
	static const char *const at[] = {"$argon2id$v=19$m=1048576,t=2,p=1" TAIL,
									 "$argon2id$v=19$m=8192,t=64,p=1" TAIL,
									 "$argon2id$v=19$m=8192,t=2,p=64" TAIL,
									 "$argon2id$v=19$m=8,t=1,p=1" TAIL,
									 "$argon2id$v=19$m=512,t=1,p=64" TAIL,
									 "$scrypt$ln=20,r=8,p=16" PHC_TAIL,
									 "scrypt$1048576$seasalt$8$16$" TAIL64,
									 "$scrypt$ln=1,r=524288,p=16" PHC_TAIL,
									 "$pbkdf2-sha256$i=10000000" PHC_TAIL,
									 "$pbkdf2-sha256$10000000" PHC_TAIL,
									 "pbkdf2_sha256$10000000$seasalt$Toj2II2rBvFiGQcPmUml1Nlni2UtvyRWwz/jz4q6q/4=",
									 "$2b$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
									 "$5$rounds=5000000$" SHA256_TAIL,
									 "$6$rounds=5000000$" SHA512_TAIL "1"};
	static const char *const above[] = {"$argon2id$v=19$m=1048577,t=2,p=1" TAIL,
										"$argon2id$v=19$m=4294967295,t=2,p=1" TAIL,
										"$argon2id$v=19$m=8192,t=65,p=1" TAIL,
										"$argon2id$v=19$m=8192,t=4294967295,p=1" TAIL,
										"$argon2id$v=19$m=8192,t=2,p=65" TAIL,
										"argon2$argon2i$v=19$m=1048577,t=2,p=1" TAIL,
										"$scrypt$ln=21,r=8,p=1" PHC_TAIL,
										"$scrypt$ln=20,r=9,p=1" PHC_TAIL,
										"$scrypt$ln=63,r=8,p=1" PHC_TAIL,
										"$scrypt$ln=10,r=4294967295,p=1" PHC_TAIL,
										"$scrypt$ln=10,r=8,p=17" PHC_TAIL,
										"$scrypt$ln=10,r=8,p=4294967295" PHC_TAIL,
										"$scrypt$ln=1,r=524289,p=16" PHC_TAIL,
										"scrypt$2097152$seasalt$8$1$" TAIL64,
										"scrypt$16384$seasalt$8$17$" TAIL64,
										"$pbkdf2-sha256$i=10000001" PHC_TAIL,
										"$pbkdf2-sha256$4294967295" PHC_TAIL,
										"pbkdf2_sha256$10000001$seasalt$Toj2II2rBvFiGQcPmUml1Nlni2UtvyRWwz/jz4q6q/4=",
										"$2b$17$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										"$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										"$argon2id$v=19$m=4294967296,t=2,p=1" TAIL,
										"$argon2id$v=19$m=4294967552,t=2,p=1" TAIL,
										"$argon2id$v=19$m=18446744073709551872,t=2,p=1" TAIL,
										"$argon2id$v=19$m=256,t=2,p=536870913" TAIL,
										"$scrypt$ln=64,r=8,p=2" PHC_TAIL,
										"$2b$32$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
										"$5$rounds=1000000000$" SHA256_TAIL,
										"$5$rounds=99999999999$" SHA256_TAIL,
										"$5$rounds=5000001$" SHA256_TAIL,
										"$6$rounds=999999999$" SHA512_TAIL "1"};
	size_t i;

	for (i = 0; i < COUNT(at); i++)
		CHECK_THAT(judged(slice_of(at[i])) == PW_MATCH, at[i]);
	check_judged(above, COUNT(above), PW_TOO_COSTLY);
}

/* The longest string that is looked at; a NUL inside one; every prefix of one. */
static void
test_lengths(void)
{
	char text[PWHASH_MAX + 2];
	size_t i;
	bool good = true;

	memset(text, 's', sizeof(text));
	memcpy(text, "pbkdf2_sha256$1$", 16);
	memcpy(text + 16 + 256, "$Toj2II2rBvFiGQcPmUml1Nlni2UtvyRWwz/jz4q6q/4=", 45);
	CHECK(judged((Slice){text, 16 + 256 + 45}) == PW_MATCH);
	memmove(text + 17, text + 16, 256 + 45);
	CHECK(judged((Slice){text, 17 + 256 + 45}) == PW_MALFORMED);
	memset(text, 's', sizeof(text));
	memcpy(text, "$2b$", 4);
	CHECK(judged((Slice){text, PWHASH_MAX + 1}) == PW_MALFORMED);
	CHECK(judged((Slice){text, (size_t) -1}) == PW_MALFORMED);

	strcpy(text, SMALL);
	for (i = 0; i < strlen(SMALL); i++)
	{
		text[i] = '\0';
		good = good && judged((Slice){text, strlen(SMALL)}) == PW_MALFORMED;
		text[i] = SMALL[i];
	}
	CHECK(good);
	CHECK(judged((Slice){"$5$" SHA256_TAIL "\0", 3 + sizeof(SHA256_TAIL)}) == PW_MALFORMED);

	/* The hash may be shorter and still be one, down to 12 bytes; nothing before that is. */
	for (i = 0; i < strlen(SMALL) - 43 + 16; i++)
		good = good && judged((Slice){SMALL, i}) == PW_MALFORMED;
	CHECK(good);
	CHECK(pwhash_verify((Slice){SMALL, strlen(SMALL) - 3}, (Slice){"password", 8}, NULL) == PW_MISMATCH);
}

/* Beyond PWHASH_PASSWORD_MAX nothing matches, not even a hash of the first so many bytes (made by hashlib). */
static void
test_long_passwords(void)
{
	static const char stored[] = "$pbkdf2-sha256$i=1,l=32$c2FsdA$fMEd+7ZhuKY56Tvu25W9g5lETsbD7dSHSupEIyFXo14";
	char *password = malloc(100000);

	memset(password, 'p', 100000);
	CHECK(verify(stored, password, PWHASH_PASSWORD_MAX, NULL) == PW_MATCH);
	CHECK(verify(stored, password, PWHASH_PASSWORD_MAX - 1, NULL) == PW_MISMATCH);
	CHECK(verify(stored, password, PWHASH_PASSWORD_MAX + 1, NULL) == PW_MISMATCH);
	CHECK(verify(stored, password, 100000, NULL) == PW_MISMATCH);
	CHECK(verify("$2b$05$CCCCCCCCCCCCCCCCCCCCC.D7RDOYXakZhsFmh/LdqQNx0kQ424AFS", password, 100000, NULL) ==
		  PW_MISMATCH);
	free(password);
}

/*
 * crypt(3) takes 511 bytes; sha-crypt of 511 and 512 'a', by passlib.  bcrypt
 * takes 72 whatever follows, up to our own limit.
 */
static void
test_crypt_long_passwords(void)
{
	static const char of511[] = "$6$rounds=1000$saltstring$gT992ZChsd3okCvl06E6mFsqVXAdRBsgsTQsyPLBeiMaRSsJBsQ7Wwvud6Q"
								"Hbc2NvUUo2/"
								"1ztPmmVSlWWTwjy1";
	static const char of512[] = "$6$rounds=1000$saltstring$sd61/9sVUzt9dccHqqjCvsqj0TUVS3QjWPnPEEucFK.ON84AM.fvqDepr6g"
								"963fFE1b.5"
								"INTdWAnAQH3/.5D/.";
	static const char bcrypt[] = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.D7RDOYXakZhsFmh/LdqQNx0kQ424AFS";
	char password[PWHASH_PASSWORD_MAX + 1];

	memset(password, 'a', sizeof(password));
	CHECK(verify(of511, password, 511, NULL) == PW_MATCH);
	CHECK(verify(of511, password, 512, NULL) == PW_MISMATCH);
	CHECK(verify(of511, password, PWHASH_PASSWORD_MAX, NULL) == PW_MISMATCH);
	CHECK(verify(of512, password, 512, NULL) == PW_MISMATCH);
	memset(password, 'x', sizeof(password));
	CHECK(verify(bcrypt, password, 72, NULL) == PW_MATCH);
	CHECK(verify(bcrypt, password, 71, NULL) == PW_MISMATCH);
	CHECK(verify(bcrypt, password, PWHASH_PASSWORD_MAX, NULL) == PW_MATCH);
	CHECK(verify(bcrypt, password, PWHASH_PASSWORD_MAX + 1, NULL) == PW_MISMATCH);
}

/* crypt(3) would stop at the NUL and match; the schemes that count bytes take it for what it is. */
static void
test_nul_in_password(void)
{
	PwCost cost = {64, 1, 1};
	uint8_t salt[PWHASH_SALT_SIZE] = {7};
	char made[PWHASH_MAX];

	CHECK(verify("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U\0", 4, NULL) == PW_MISMATCH);
	CHECK(verify("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U\0more", 8, NULL) == PW_MISMATCH);
	CHECK(verify("$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", "\0", 1, NULL) == PW_MISMATCH);
	CHECK(verify("$5$" SHA256_TAIL, "Hello world!\0x", 14, NULL) == PW_MISMATCH);
	CHECK(verify("$6$" SHA512_TAIL "1", "Hello world!\0", 13, NULL) == PW_MISMATCH);
	CHECK(pwhash_make(&cost, salt, (Slice){"a\0b", 3}, NULL, made) == PW_MATCH);
	CHECK(verify(made, "a\0b", 3, NULL) == PW_MATCH);
	CHECK(verify(made, "a\0c", 3, NULL) == PW_MISMATCH);
	CHECK(verify(made, "a", 1, NULL) == PW_MISMATCH);
}

/* The reference vector's salt is 8 bytes and ours 16; argon2-cffi made this one, to the letter. */
static void
test_make(void)
{
	static const char expected[] = "$argon2id$v=19$m=512,t=3,p=4$8PHy8/T19vf4+fr7/P3+/w$5rQ0dMKe13nYGzJNVlroBTrUOPKNku"
								   "9mXsVBIvRApYs";
	PwCost cost = {512, 3, 4};
	uint8_t salt[PWHASH_SALT_SIZE];
	char made[PWHASH_MAX];
	size_t i;

	for (i = 0; i < sizeof(salt); i++)
		salt[i] = (uint8_t) (0xf0 + i);
	CHECK(pwhash_make(&cost, salt, slice_of(LETMEIN), NULL, made) == PW_MATCH);
	CHECK(strcmp(made, expected) == 0);
	CHECK(verify(made, LETMEIN, strlen(LETMEIN), NULL) == PW_MATCH);
	CHECK(pwhash_make(&cost, salt, (Slice){NULL, 0}, NULL, made) == PW_MATCH);
	CHECK(verify(made, NULL, 0, NULL) == PW_MATCH);
	CHECK(verify(made, "x", 1, NULL) == PW_MISMATCH);
}

/* Nothing is made that could not be verified, and the output is then an empty string. */
static void
test_make_refusals(void)
{
	static const struct
	{
		PwCost cost;
		PwResult result;
	} cases[] = {{{PWHASH_ARGON2_MEMORY_MAX + 1, 1, 1}, PW_TOO_COSTLY},
				 {{64, PWHASH_ARGON2_ITERATIONS_MAX + 1, 1}, PW_TOO_COSTLY},
				 {{1024, 1, PWHASH_ARGON2_PARALLELISM_MAX + 1}, PW_TOO_COSTLY},
				 {{0, 1, 1}, PW_TOO_CHEAP},
				 {{64, 0, 1}, PW_TOO_CHEAP},
				 {{64, 1, 0}, PW_TOO_CHEAP},
				 {{15, 1, 2}, PW_TOO_CHEAP},
				 {{4096, 1, UINT32_MAX}, PW_TOO_COSTLY}};
	PwCost cost = {64, 1, 1};
	uint8_t salt[PWHASH_SALT_SIZE] = {7};
	char long_password[PWHASH_PASSWORD_MAX + 1] = {0};
	char made[PWHASH_MAX];
	size_t i;

	for (i = 0; i < COUNT(cases); i++)
	{
		memset(made, 'x', sizeof(made));
		CHECK(pwhash_make(&cases[i].cost, salt, (Slice){"password", 8}, NULL, made) == cases[i].result);
		CHECK(made[0] == '\0');
	}
	CHECK(pwhash_make(&cost, salt, (Slice){long_password, PWHASH_PASSWORD_MAX}, NULL, made) == PW_MATCH);
	CHECK(pwhash_make(&cost, salt, (Slice){long_password, PWHASH_PASSWORD_MAX + 1}, NULL, made) == PW_FAILED);
	CHECK(made[0] == '\0');
}

/* Does the string need a new hash under this cost? */
static bool
needs(const char *stored, uint32_t memory, uint32_t iterations, uint32_t parallelism)
{
	PwCost cost = {memory, iterations, parallelism};

	return pwhash_needs_rehash(slice_of(stored), &cost);
}

/* Weaker in memory or iterations, other in lanes, version or scheme, or not a hash: all need one. */
static void
test_needs_rehash(void)
{
	CHECK(!needs(SMALL, 256, 2, 1));
	CHECK(!needs(SMALL, 255, 1, 1));
	CHECK(needs(SMALL, 257, 2, 1));
	CHECK(needs(SMALL, 256, 3, 1));
	CHECK(needs(SMALL, 256, 2, 2));
	CHECK(needs("$argon2id$v=19$m=256,t=2,p=2" TAIL, 256, 2, 1));
	CHECK(!needs("argon2" SMALL, 256, 2, 1));
	CHECK(needs("$argon2id$v=16$m=256,t=2,p=1" TAIL, 256, 2, 1));
	CHECK(needs("$argon2i$v=19$m=256,t=2,p=1" TAIL, 256, 2, 1));
	CHECK(needs("$argon2d$v=19$m=256,t=2,p=1" TAIL, 256, 2, 1));
	CHECK(needs("$scrypt$ln=20,r=8,p=1" PHC_TAIL, 8, 1, 1));
	CHECK(needs("$pbkdf2-sha256$i=10000000" PHC_TAIL, 8, 1, 1));
	CHECK(needs("$2b$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 8, 1, 1));
	CHECK(needs("$6$" SHA512_TAIL "1", 8, 1, 1));
	CHECK(needs("password", 8, 1, 1));
	CHECK(needs("", 8, 1, 1));
	CHECK(needs("$argon2id$v=19$m=1048577,t=2,p=1" TAIL, 256, 2, 1));
}

/* All bytes from p on have this value. */
static bool
filled(const uint8_t *p, size_t n, uint8_t value)
{
	while (n > 0)
		if (p[--n] != value)
			return false;
	return true;
}

/* An arena that is used is left zero as far as it was used, whatever the verdict; and it was used. */
static void
test_arena_wiped(void)
{
	size_t size = 256 * 1024;
	uint8_t *memory = malloc(size + 4096);
	PwArena arena = {memory, size + 4096};
	PwCost cost = {256, 1, 2};
	uint8_t salt[PWHASH_SALT_SIZE] = {7};
	char made[PWHASH_MAX];
	int i;

	for (i = 0; i < 3; i++)
	{
		memset(memory, 0xaa, size + 4096);
		if (i == 0)
			CHECK(verify(SMALL, "password", 8, &arena) == PW_MATCH);
		else if (i == 1)
			CHECK(verify(SMALL, "passwort", 8, &arena) == PW_MISMATCH);
		else
			CHECK(pwhash_make(&cost, salt, (Slice){"password", 8}, &arena, made) == PW_MATCH);
		CHECK(filled(memory, size, 0));
		CHECK(filled(memory + size, 4096, 0xaa));
	}
	CHECK(verify(made, "password", 8, NULL) == PW_MATCH);
	free(memory);
}

/* Too small, absent, misaligned: the verdict is the same and the arena untouched. */
static void
test_arena_falls_back(void)
{
	size_t size = 256 * 1024;
	uint8_t *memory = malloc(size + 64);
	PwArena exact = {memory, size};
	PwArena small = {memory, size - 1};
	PwArena absent = {NULL, size};
	PwArena crooked = {memory + 1, size};

	memset(memory, 0xaa, size + 64);
	CHECK(verify(SMALL, "password", 8, &small) == PW_MATCH);
	CHECK(verify(SMALL, "passwort", 8, &small) == PW_MISMATCH);
	CHECK(verify(SMALL, "password", 8, &absent) == PW_MATCH);
	CHECK(verify(SMALL, "password", 8, &crooked) == PW_MATCH);
	CHECK(filled(memory, size + 64, 0xaa));
	CHECK(verify(SMALL, "password", 8, &exact) == PW_MATCH);
	CHECK(filled(memory, size, 0) && filled(memory + size, 64, 0xaa));

	/* A second call without an arena does not remember the first one's. */
	memset(memory, 0xaa, size);
	CHECK(verify(SMALL, "password", 8, NULL) == PW_MATCH);
	CHECK(filled(memory, size, 0xaa));
	free(memory);
}

int
main(void)
{
	test_argon2_reference();
	test_argon2_others();
	test_scrypt();
	test_pbkdf2();
	test_bcrypt();
	test_sha_crypt();
	test_imports();
	test_foreign();
	test_argon2_malformed();
	test_kdf_malformed();
	test_crypt_malformed();
	test_floors();
	test_faults();
	test_ceilings();
	test_lengths();
	test_long_passwords();
	test_crypt_long_passwords();
	test_nul_in_password();
	test_make();
	test_make_refusals();
	test_needs_rehash();
	test_arena_wiped();
	test_arena_falls_back();
	return finish();
}
