/*
 * smtp_thread.c
 *		Owns the one thread that blocks in place of its caller; libc only.
 *
 * Threat: a thread in a process that is not made for threads.  It takes no
 * signal, so that no handler of the server's runs in it, and is joined before
 * the process may end.
 */
#include "mailer/smtp_thread.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#define ASK_MS 40

static struct
{
	pthread_t	thread;
	bool		on;
	void		(*work) (void);
	pthread_mutex_t lock;
	pthread_cond_t ended_now;
	bool		ended;			/* under the lock */
}			errand = {.lock = PTHREAD_MUTEX_INITIALIZER};

int64_t
smtp_thread_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *
run(void *arg)
{
	errand.work();
	pthread_mutex_lock(&errand.lock);
	errand.ended = true;
	pthread_cond_signal(&errand.ended_now);
	pthread_mutex_unlock(&errand.lock);
	return arg;
}

static bool
initialise(void)
{
	static bool done = false;
	pthread_condattr_t attributes;

	done = done || (pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
					pthread_cond_init(&errand.ended_now, &attributes) == 0);
	return done;
}

bool
smtp_thread_start(void (*work) (void))
{
	sigset_t	all,
				before;

	errand.work = work;
	errand.ended = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errand.on = initialise() && pthread_create(&errand.thread, NULL, run, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errand.on;
}

static bool
ends_within(int ms)
{
	int64_t		end = smtp_thread_clock() + ms;
	struct timespec until = {end / 1000, end % 1000 * 1000000};
	bool		ended;

	pthread_mutex_lock(&errand.lock);
	while (!errand.ended && pthread_cond_timedwait(&errand.ended_now, &errand.lock, &until) == 0)
		;
	ended = errand.ended;
	pthread_mutex_unlock(&errand.lock);
	return ended;
}

SmtpThreadEnd
smtp_thread_wait(bool (*meanwhile) (void *arg), void *arg, int64_t deadline)
{
	while (!ends_within(ASK_MS))
	{
		if (!meanwhile(arg))
			return SMTP_THREAD_UNWANTED;
		if (smtp_thread_clock() >= deadline)
			return SMTP_THREAD_LATE;
	}
	return SMTP_THREAD_DONE;
}

bool
smtp_thread_is_on(void)
{
	return errand.on;
}

void
smtp_thread_join(void)
{
	if (errand.on)
		pthread_join(errand.thread, NULL);
	errand.on = false;
}
