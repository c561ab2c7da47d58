/*
 * pwcommon.c
 *		Owns the judgement whether a password is too common.
 *
 * Threat: guesses made of what people choose: a word, its first letter a
 * capital, a digit or a year and a sign at the end.  Such passwords satisfy
 * rules about sets of characters.
 *
 * The password is folded (case, diacritics), substitutions are undone, and what
 * remains is counted as Microsoft Entra ID's password protection does it
 * (published as "Eliminate bad passwords using Microsoft Entra Password
 * Protection"): one point for each banned word, one for each other character;
 * fewer than five points are too common.  It deviates in this:
 *
 * - A walk over the keyboard, a sequence, a year or a date is worth one point.
 * - What occurs again is worth nothing: neither a word nor a character.
 * - All words of the address and of the shop together are worth one point: an
 *   attacker has them all.
 * - Words are found exactly, not at a distance of one letter; read backwards,
 *   too.
 * - Of all ways to take a password apart the one with the fewest points counts.
 *
 * Fewer than five characters are not judged: they are too short.
 */
#include "pwhash/pwcommon.h"
#include "pwhash/pwcommon_find.h"
#include "pwhash/pwcommon_words.h"

#define LISTED_LEAST 4

typedef enum Piece
{
	PIECE_CHARACTER,
	PIECE_WORD,
	PIECE_WALK,
	PIECE_OWN
} Piece;

/* What has been counted. */
typedef struct Tally
{
	unsigned points;
	bool own;
	struct
	{
		size_t begin;
		size_t length;
	} piece[PWCOMMON_POINTS];
} Tally;

/* Longest first, so that of equal ways the one with longer words wins. */
static Piece
next_piece(const PwCommon *work, size_t begin, size_t *length)
{
	Piece piece = PIECE_CHARACTER;
	unsigned fewest = 1u + work->after[begin + 1];
	size_t n;

	*length = 1;
	if (work->own[begin] > 0 && work->after[begin + work->own[begin]] < fewest)
	{
		*length = work->own[begin];
		fewest = work->after[begin + *length];
		piece = PIECE_OWN;
	}
	if (work->walk[begin] > 0 && 1u + work->after[begin + work->walk[begin]] < fewest)
	{
		*length = work->walk[begin];
		fewest = 1u + work->after[begin + *length];
		piece = PIECE_WALK;
	}
	for (n = PWCOMMON_WORD; n > 1; n--)
		if ((work->words[begin] & 1u << n) && 1u + work->after[begin + n] < fewest)
		{
			*length = n;
			fewest = 1u + work->after[begin + n];
			piece = PIECE_WORD;
		}
	return piece;
}

static void
fill_after(PwCommon *work)
{
	size_t i;

	work->after[work->length] = 0;
	for (i = work->length; i-- > 0;)
	{
		size_t length;
		Piece piece = next_piece(work, i, &length);

		work->after[i] = (uint16_t) ((piece != PIECE_OWN) + work->after[i + length]);
	}
}

static void
lower(uint16_t *points, unsigned to)
{
	if (to < *points)
		*points = (uint16_t) to;
}

static void
fill_before(PwCommon *work)
{
	size_t i;
	size_t n;

	for (i = 0; i <= work->length; i++)
		work->before[i] = (uint16_t) i;
	for (i = 0; i < work->length; i++)
	{
		unsigned points = 1u + work->before[i];

		lower(&work->before[i + 1], points);
		lower(&work->before[i + work->own[i]], points - 1);
		lower(&work->before[i + work->walk[i]], points);
		for (n = 2; n <= PWCOMMON_WORD; n++)
			if (work->words[i] & 1u << n)
				lower(&work->before[i + n], points);
	}
}

static bool
counted(const PwCommon *work, const Tally *tally, size_t begin, size_t length)
{
	unsigned i;

	for (i = 0; i < tally->points; i++)
		if (tally->piece[i].length == length &&
			memcmp(work->letter + tally->piece[i].begin, work->letter + begin, length * sizeof(uint32_t)) == 0)
			return true;
	return false;
}

/* False if the piece adds no point. */
static bool
count_piece(const PwCommon *work, Tally *tally, Piece piece, size_t begin, size_t length)
{
	if (piece == PIECE_OWN ? tally->own : counted(work, tally, begin, length))
		return false;
	if (piece == PIECE_OWN)
		tally->own = true;
	tally->piece[tally->points].begin = begin;
	tally->piece[tally->points].length = length;
	tally->points++;
	return true;
}

static bool
has_points(const PwCommon *work)
{
	Tally tally = {0};
	size_t begin;
	size_t length;

	for (begin = 0; begin < work->length && tally.points < PWCOMMON_POINTS; begin += length)
	{
		Piece piece = next_piece(work, begin, &length);

		count_piece(work, &tally, piece, begin, length);
	}
	return tally.points == PWCOMMON_POINTS;
}

/* UTF-8, or the byte that was none; 4 bytes at most. */
static size_t
encode(uint32_t c, char *out)
{
	if (c < 0x80 || c > 0x10ffff)
	{
		out[0] = (char) c;
		return 1;
	}
	if (c < 0x800)
	{
		out[0] = (char) (0xc0 | c >> 6);
		out[1] = (char) (0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000)
	{
		out[0] = (char) (0xe0 | c >> 12);
		out[1] = (char) (0x80 | (c >> 6 & 0x3f));
		out[2] = (char) (0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char) (0xf0 | c >> 18);
	out[1] = (char) (0x80 | (c >> 12 & 0x3f));
	out[2] = (char) (0x80 | (c >> 6 & 0x3f));
	out[3] = (char) (0x80 | (c & 0x3f));
	return 4;
}

/* Appends a word, after a comma if it is not the first; leaves out what does not fit whole. */
static void
tell(PwCommon *work, Slice word)
{
	size_t used = strlen(work->found);
	size_t comma = used > 0 ? 2 : 0;

	if (used + comma + word.length >= sizeof(work->found))
		return;
	memcpy(work->found + used, ", ", comma);
	memcpy(work->found + used + comma, word.data, word.length);
	work->found[used + comma + word.length] = '\0';
}

static void
tell_part(PwCommon *work, size_t begin, size_t length)
{
	size_t size = 0;
	size_t i;

	for (i = begin; i < begin + length && size + 4 <= sizeof(work->word); i++)
		size += encode(work->letter[i], work->word + size);
	tell(work, (Slice){work->word, size});
}

/* Has fewer than PWCOMMON_POINTS. */
static void
tell_found(PwCommon *work)
{
	Tally tally = {0};
	size_t begin;
	size_t length;

	for (begin = 0; begin < work->length; begin += length)
	{
		Piece piece = next_piece(work, begin, &length);
		const char *word = piece == PIECE_WORD ? pwcommon_word_at(work, begin, length) : NULL;

		if (piece == PIECE_OWN || count_piece(work, &tally, piece, begin, length))
		{
			if (word)
				tell(work, slice_of(word));
			else if (piece != PIECE_CHARACTER)
				tell_part(work, begin, length);
		}
	}
}

/* How a candidate for the list is spelled. */
typedef enum Spelling
{
	AS_TYPED,
	UNDONE, /* without diacritics, each sign as the first letter it is typed for */
	UNDONE_LAST, /* as the last one: 1 as l */
	SPELLINGS
} Spelling;

static uint32_t
spelled(const PwCommon *work, size_t at, Spelling spelling)
{
	const char *meant = pwcommon_meant(work->letter[at]);

	if (spelling == AS_TYPED)
		return work->typed[at];
	if (*meant == '\0')
		return work->letter[at];
	return (unsigned char) meant[spelling == UNDONE ? 0 : strlen(meant) - 1];
}

/* False if the spelling is that of the one before. */
static bool
spell(PwCommon *work, size_t begin, size_t end, Spelling spelling, Slice *word)
{
	bool differs = spelling == AS_TYPED;
	size_t size = 0;

	for (; begin < end; begin++)
	{
		uint32_t c = spelled(work, begin, spelling);

		differs = differs || c != spelled(work, begin, spelling - 1);
		if (c != 0)
			size += encode(c, work->word + size);
	}
	*word = (Slice){work->word, size};
	return differs;
}

/* True if an entry of the list would decide: its neighbours are worth too little. */
static bool
would_decide(const PwCommon *work, size_t begin, size_t end)
{
	return work->before[begin] + 1u + work->after[end] < PWCOMMON_POINTS;
}

/* Words from begin to least or beyond.  One question for them all, which ordinary lists answer with no. */
static bool
has_listed_from(PwCommon *work, size_t begin, size_t least, Spelling spelling, PwListed listed, void *arg)
{
	size_t end;
	Slice word;

	spell(work, begin, least, spelling, &word);
	if (!listed(word, false, arg))
		return false;
	for (end = least; end <= work->length && end <= begin + PWCOMMON_LISTED_LONGEST; end++)
		if (would_decide(work, begin, end) && spell(work, begin, end, spelling, &word) && listed(word, true, arg))
		{
			tell(work, word);
			return true;
		}
	return false;
}

static bool
has_listed_word(PwCommon *work, PwListed listed, void *arg)
{
	size_t begin;

	for (begin = 0; begin < work->length; begin++)
	{
		size_t longest =
			begin + PWCOMMON_LISTED_LONGEST < work->length ? begin + PWCOMMON_LISTED_LONGEST : work->length;
		size_t least = begin + LISTED_LEAST;
		Spelling spelling;
		Slice word;

		while (least <= longest && !would_decide(work, begin, least))
			least++;
		for (spelling = AS_TYPED; least <= longest && spelling < SPELLINGS; spelling++)
			if (spell(work, begin, longest, spelling, &word) &&
				has_listed_from(work, begin, least, spelling, listed, arg))
				return true;
	}
	return false;
}

static bool
is_worth_too_little(PwCommon *work)
{
	fill_after(work);
	if (has_points(work))
		return false;
	tell_found(work);
	return true;
}

/* First without the words of the address and the shop, so that they never make a password less common. */
static bool
judge(PwCommon *work, Slice address, Slice names, PwListed listed, void *arg)
{
	if (work->length < PWCOMMON_POINTS)
		return false;
	pwcommon_find_words(work);
	pwcommon_find_walks(work);
	pwcommon_find_dates(work);
	if (is_worth_too_little(work))
		return true;
	pwcommon_find_own(work, address, names);
	if (is_worth_too_little(work))
		return true;
	if (listed == NULL)
		return false;
	fill_before(work);
	return has_listed_word(work, listed, arg);
}

bool
pwcommon_judge(Slice password, Slice address, Slice names, PwListed listed, void *arg, PwCommon *work)
{
	bool common;

	memset(work, 0, sizeof(*work));
	work->length = pwcommon_fold(password, work->typed, work->letter, PWCOMMON_LONGEST);
	common = judge(work, address, names, listed, arg);
	bytes_wipe(work, offsetof(PwCommon, found));
	return common;
}
