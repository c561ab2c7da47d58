/*
 * argon2_loop.c
 *		Bare libargon2: "argon2_loop THREADS SECONDS MEMORY_KIB ITERATIONS"
 *		prints the CPU seconds of one hash, and the hashes a second.
 *
 * Every thread hashes in memory of its own that was touched before the clock
 * starts, in huge pages where the kernel has them, as the extension does: a
 * loop in small pages, or one that let the kernel clear 19 MiB for every hash,
 * would be a floor too easy to reach.
 */
#include <argon2.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define THREADS_MAX 64
#define HUGE_PAGE ((size_t) 2 * 1024 * 1024)

static uint32_t memory_kib;
static uint32_t iterations;
static double seconds;
static __thread uint8_t *arena;

typedef struct Result
{
	long		hashes;
	double		cpu;
	int			error;
} Result;

static double
clock_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int
lend(uint8_t **memory, size_t size)
{
	*memory = size <= (size_t) memory_kib * 1024 ? arena : NULL;
	return *memory ? ARGON2_OK : ARGON2_MEMORY_ALLOCATION_ERROR;
}

static void
take_back(uint8_t *memory, size_t size)
{
}

static int
hash(void)
{
	static const char password[] = "Tulips-4-Ann";
	uint8_t		out[32];
	uint8_t		salt[16] = "0123456789abcde";
	argon2_context context = {
		.out = out, .outlen = sizeof(out),
		.pwd = (uint8_t *) password, .pwdlen = sizeof(password) - 1,
		.salt = salt, .saltlen = sizeof(salt),
		.t_cost = iterations, .m_cost = memory_kib, .lanes = 1, .threads = 1,
		.version = ARGON2_VERSION_13, .allocate_cbk = lend, .free_cbk = take_back,
	};

	return argon2_ctx(&context, Argon2_id);
}

static void *
loop(void *argument)
{
	Result	   *result = argument;
	size_t		size;
	double		end;
	double		start;

	size = ((size_t) memory_kib * 1024 + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	arena = aligned_alloc(HUGE_PAGE, size);
	if (arena == NULL)
	{
		result->error = ARGON2_MEMORY_ALLOCATION_ERROR;
		return NULL;
	}
	(void) madvise(arena, size, MADV_HUGEPAGE);
	memset(arena, 1, size);
	result->error = hash();
	end = clock_now(CLOCK_MONOTONIC) + seconds;
	start = clock_now(CLOCK_THREAD_CPUTIME_ID);
	while (result->error == ARGON2_OK && clock_now(CLOCK_MONOTONIC) < end)
	{
		result->error = hash();
		result->hashes++;
	}
	result->cpu = clock_now(CLOCK_THREAD_CPUTIME_ID) - start;
	free(arena);
	return NULL;
}

int
main(int argc, char **argv)
{
	pthread_t	ids[THREADS_MAX];
	Result		results[THREADS_MAX] = {{0}};
	long		hashes = 0;
	double		cpu = 0;
	int			threads = argc == 5 ? atoi(argv[1]) : 0;
	int			i;

	if (threads < 1 || threads > THREADS_MAX)
	{
		fprintf(stderr, "usage: argon2_loop THREADS SECONDS MEMORY_KIB ITERATIONS\n");
		return 2;
	}
	seconds = atof(argv[2]);
	memory_kib = (uint32_t) atol(argv[3]);
	iterations = (uint32_t) atol(argv[4]);
	for (i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, loop, &results[i]) != 0)
			return 1;
	for (i = 0; i < threads; i++)
	{
		pthread_join(ids[i], NULL);
		if (results[i].error != ARGON2_OK)
		{
			fprintf(stderr, "%s\n", argon2_error_message(results[i].error));
			return 1;
		}
		hashes += results[i].hashes;
		cpu += results[i].cpu;
	}
	printf("%.9f %.3f\n", cpu / hashes, hashes / seconds);
	return 0;
}
