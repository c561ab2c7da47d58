/* pwcommon_fuzz.c: verdicts that do not depend on case, grow with what is known, and follow the rule where it is simple. */
#include "fuzz.h"
#include "pwhash/pwcommon.h"
#include "text/unicode.h"

static PwCommon work;

/* The entry is the argument. */
static bool
is_entry(Slice word, bool whole, void *arg)
{
	Slice entry = *(const Slice *) arg;

	assert(word.length <= 4 * PWCOMMON_LISTED_LONGEST);
	if (!whole && word.length < entry.length)
		entry.length = word.length;
	return slice_equal(word, entry);
}

/* Distinct characters of an ASCII password, in lower case. */
static size_t
distinct(Slice password)
{
	bool seen[128] = {false};
	size_t n = 0;

	for (; password.length > 0; password = slice_after(password, 1))
	{
		uint32_t c = uni_fold((unsigned char) password.data[0]);

		n += !seen[c];
		seen[c] = true;
	}
	return n;
}

static void
check_ascii(Slice password, bool common)
{
	Slice nothing = {"", 0};
	char *swapped = copy_of(password);
	size_t i;

	for (i = 0; i < password.length; i++)
		if ((password.data[i] | 0x20) >= 'a' && (password.data[i] | 0x20) <= 'z')
			swapped[i] ^= 0x20;
	assert(pwcommon_judge((Slice){swapped, password.length}, nothing, nothing, NULL, NULL, &work) == common);
	free(swapped);
	if (password.length < PWCOMMON_POINTS)
		assert(!common);
	else if (password.length <= PWCOMMON_LONGEST && distinct(password) < PWCOMMON_POINTS)
		assert(common);
}

/* Lines: an address, names, an entry of the list; the rest is the password. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice password = {(const char *) data, size};
	Slice address = take_until(&password, '\n');
	Slice names = take_until(&password, '\n');
	Slice entry = take_until(&password, '\n');
	Slice nothing = {"", 0};
	char *copy = copy_of(password);
	bool common;
	size_t i;

	password.data = copy;
	common = pwcommon_judge(password, nothing, nothing, NULL, NULL, &work);
	assert(memchr(work.found, '\0', sizeof(work.found)) != NULL);
	assert(common || work.found[0] == '\0');
	for (i = 0; i < offsetof(PwCommon, found); i++)
		assert(((const char *) &work)[i] == 0);
	if (common)
		assert(pwcommon_judge(password, nothing, nothing, is_entry, &entry, &work));
	if (uni_is_ascii(password))
		check_ascii(password, common);
	pwcommon_judge(password, address, names, is_entry, &entry, &work);
	free(copy);
	return 0;
}
