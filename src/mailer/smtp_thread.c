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
}			thread = {.lock = PTHREAD_MUTEX_INITIALIZER};

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
	thread.work();
	pthread_mutex_lock(&thread.lock);
	thread.ended = true;
	pthread_cond_signal(&thread.ended_now);
	pthread_mutex_unlock(&thread.lock);
	return arg;
}

static bool
initialise(void)
{
	static bool done = false;
	pthread_condattr_t attributes;

	done = done ||
		   (pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
			pthread_cond_init(&thread.ended_now, &attributes) == 0);
	return done;
}

bool
smtp_thread_start(void (*work) (void))
{
	sigset_t	all,
				before;

	thread.work = work;
	thread.ended = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	thread.on = initialise() && pthread_create(&thread.thread, NULL, run, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return thread.on;
}

static bool
ends_within(int ms)
{
	int64_t		end = smtp_thread_clock() + ms;
	struct timespec until = {end / 1000, end % 1000 * 1000000};
	bool		ended;

	pthread_mutex_lock(&thread.lock);
	while (!thread.ended && pthread_cond_timedwait(&thread.ended_now, &thread.lock, &until) == 0)
		;
	ended = thread.ended;
	pthread_mutex_unlock(&thread.lock);
	return ended;
}

SmtpThreadEnd
smtp_thread_wait(bool (*poll) (void *arg), void *arg, int64_t deadline)
{
	while (!ends_within(ASK_MS))
	{
		if (!poll(arg))
			return SMTP_THREAD_UNWANTED;
		if (smtp_thread_clock() >= deadline)
			return SMTP_THREAD_LATE;
	}
	return SMTP_THREAD_DONE;
}

bool
smtp_thread_is_on(void)
{
	return thread.on;
}

void
smtp_thread_join(void)
{
	if (thread.on)
		pthread_join(thread.thread, NULL);
	thread.on = false;
}
