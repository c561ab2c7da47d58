/*
 * event_queue.c
 *		Owns what the backends of a database and its worker share: the queue,
 *		the worker's latch, the list of served databases, the floor of the
 *		clock for events, and the newest seal.
 *
 * Threat: a caller who rolls back to hide attempts, and a burst that pushes
 * evidence out.  An entry is in shared memory before the client gets its
 * answer, no rollback removes it, and it stays until the worker has committed
 * it.  A full queue rejects entries, and callers count the loss.  Refused
 * attempts cost nothing and come faster than they are written, so half of the
 * queue is reserved for failures and locks, which cost a hash each.
 *
 * A crash of the server empties the queue.  A caller whose entry must be on
 * disk before the answer waits for that (event_queue_await).
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/shmem.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"
#include "utils/wait_event.h"

#include "server/compat.h"
#include "server/deadline.h"
#include "server/settings.h"
#include "shmem/event_queue.h"

#define AWAIT_MS 1000
#define AWAY_MS (60 * 1000)

typedef struct Queue
{
	LWLock *lock;
	Latch *worker; /* NULL if none is running */
	TimestampTz away_until;
	uint64 head; /* entries ever queued */
	uint64 tail; /* entries ever dropped */
	pg_atomic_uint32 retry_wanted;
	ConditionVariable written;
	pg_atomic_uint64 floor; /* TimestampTz */
	bool floor_known; /* it is not before the newest seal */
	pg_atomic_uint64 wrote_at; /* TimestampTz */
	NewestSeal sealed;
	QueueEntry entries[FLEXIBLE_ARRAY_MEMBER];
} Queue;

static List *names = NIL; /* of String */
static bool names_known = false;
static char *queues = NULL;
static uint32 wait_event = 0;

/* This backend's queue, set by my_queue(); databases without a worker share one without entries. */
static Queue *mine = NULL;
static bool served = false;
static bool working = false;
static bool wake_at_commit = false;
static bool callback_registered = false;

/* Runs in the postmaster; backends inherit the list. */
static void
read_names(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	List *all = NIL;
	ListCell *cell;

	/* settings.c has checked the syntax */
	if (!names_known && setting_databases && SplitIdentifierString(pstrdup(setting_databases), ',', &all))
		foreach(cell, all)
			names = list_append_unique(names, makeString(lfirst(cell)));
	names_known = true;
	MemoryContextSwitchTo(old);
}

int
event_queue_databases(void)
{
	read_names();
	return list_length(names);
}

const char *
event_queue_database(int n)
{
	return strVal(list_nth(names, n));
}

static size_t
full_size(void)
{
	return MAXALIGN(offsetof(Queue, entries) + EVENT_QUEUE_ENTRIES * sizeof(QueueEntry));
}

/* One queue for each served database, and a last one without entries, shared by all others. */
static Queue *
event_queue_at(int n)
{
	return (Queue *) (queues + n * full_size());
}

size_t
event_queue_size(void)
{
	return add_size(mul_size(event_queue_databases(), full_size()), MAXALIGN(offsetof(Queue, entries)));
}

int
event_queue_locks(void)
{
	return event_queue_databases() + 1;
}

void
event_queue_attach(LWLockPadded *locks)
{
	bool found;
	int i;

	wait_event = CompatWaitEvent("DjustAuthEventWrite");
	queues = ShmemInitStruct("djust_auth queues", event_queue_size(), &found);
	if (found)
		return;
	for (i = 0; i <= event_queue_databases(); i++)
	{
		Queue *queue = event_queue_at(i);

		memset(queue, 0, offsetof(Queue, entries));
		queue->lock = &locks[i].lock;
		pg_atomic_init_u32(&queue->retry_wanted, 0);
		pg_atomic_init_u64(&queue->floor, 0);
		pg_atomic_init_u64(&queue->wrote_at, 0);
		ConditionVariableInit(&queue->written);
	}
}

static int
database_number(const char *database)
{
	int i;

	for (i = 0; i < list_length(names); i++)
		if (strcmp(event_queue_database(i), database) == 0)
			return i;
	return -1;
}

bool
event_queue_serves_database(const char *database)
{
	return database_number(database) >= 0;
}

/* The name is looked up once: a database is never renamed while connections exist. */
static Queue *
my_queue(void)
{
	if (mine == NULL)
	{
		int n = list_length(names) > 0 ? database_number(get_database_name(MyDatabaseId)) : -1;

		served = n >= 0;
		mine = event_queue_at(served ? n : list_length(names));
	}
	return mine;
}

bool
event_queue_served(void)
{
	my_queue();
	return served;
}

/* The latch belongs to a process slot, which persists: at worst another process is woken. */
static void
wake(Queue *queue)
{
	Latch *worker = queue->worker;

	if (worker)
		SetLatch(worker);
}

static TimestampTz
raise_floor(Queue *queue, TimestampTz at)
{
	uint64 floor = pg_atomic_read_u64(&queue->floor);

	while ((TimestampTz) floor < at && !pg_atomic_compare_exchange_u64(&queue->floor, &floor, (uint64) at))
		continue;
	return Max((TimestampTz) floor, at);
}

TimestampTz
event_queue_now(void)
{
	TimestampTz now = GetCurrentTimestamp();

	/* a restore writes events without the preloaded library */
	return queues ? raise_floor(my_queue(), now) : now;
}

bool
event_queue_floor_known(void)
{
	return my_queue()->floor_known;
}

TimestampTz
event_queue_raise_floor(TimestampTz at)
{
	Queue *queue = my_queue();
	uint64 i;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	at = raise_floor(queue, at);
	queue->floor_known = true;
	for (i = queue->tail; i < queue->head; i++)
		at = Min(at, queue->entries[i % EVENT_QUEUE_ENTRIES].at);
	LWLockRelease(queue->lock);
	return at;
}

void
event_queue_sealed_set(const NewestSeal *sealed)
{
	Queue *queue = my_queue();

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	queue->sealed = *sealed;
	LWLockRelease(queue->lock);
}

void
event_queue_sealed_get(NewestSeal *sealed)
{
	Queue *queue = my_queue();

	LWLockAcquire(queue->lock, LW_SHARED);
	*sealed = queue->sealed;
	LWLockRelease(queue->lock);
}

/* Also called during error clean-up, so it looks nothing up. */
uint64_t
event_queue_put(QueueEntry *entry, int kept)
{
	uint64 ticket = 0;
	Queue *queue = mine;

	if (queue == NULL || !served)
		return 0;
	entry->database = MyDatabaseId;
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	if (entry->at == 0)
		entry->at = event_queue_now();
	if (queue->head - queue->tail < EVENT_QUEUE_ENTRIES - kept)
	{
		queue->entries[queue->head % EVENT_QUEUE_ENTRIES] = *entry;
		ticket = ++queue->head;
	}
	LWLockRelease(queue->lock);
	wake(queue);
	return ticket;
}

static bool
is_committed(uint64 ticket, bool *no_worker)
{
	bool written;

	LWLockAcquire(mine->lock, LW_SHARED);
	written = mine->tail >= ticket;
	*no_worker = mine->worker == NULL;
	LWLockRelease(mine->lock);
	return written;
}

void
event_queue_await(uint64_t ticket)
{
	Deadline deadline = deadline_in(AWAIT_MS);
	bool no_worker;

	if (ticket == 0 || is_committed(ticket, &no_worker) || no_worker)
		return;
	ConditionVariablePrepareToSleep(&mine->written);
	while (!is_committed(ticket, &no_worker) && !no_worker && deadline_sleep(&deadline, &mine->written, wait_event))
		continue;
	ConditionVariableCancelSleep();
}

int
event_queue_waiting(void)
{
	Queue *queue = my_queue();
	int waiting;

	LWLockAcquire(queue->lock, LW_SHARED);
	waiting = (int) (queue->head - queue->tail);
	LWLockRelease(queue->lock);
	return waiting;
}

/* Runs after the commit, when the row is visible to others. */
static void
event_queue_transaction_ended(XactEvent event, void *arg)
{
	if (!wake_at_commit || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT))
		return;
	wake_at_commit = false;
	if (event == XACT_EVENT_COMMIT && served)
	{
		pg_atomic_write_u32(&mine->retry_wanted, 1);
		wake(mine);
	}
}

void
event_queue_wake_at_commit(void)
{
	if (!event_queue_served())
		return;
	if (!callback_registered)
		RegisterXactCallback(event_queue_transaction_ended, NULL);
	callback_registered = true;
	wake_at_commit = true;
}

static void
end_work(int code, Datum arg)
{
	LWLockAcquire(mine->lock, LW_EXCLUSIVE);
	mine->worker = NULL;
	LWLockRelease(mine->lock);
	ConditionVariableBroadcast(&mine->written);
}

void
event_queue_begin_work(int n)
{
	mine = event_queue_at(n);
	served = working = true;
	LWLockAcquire(mine->lock, LW_EXCLUSIVE);
	mine->worker = MyLatch;
	LWLockRelease(mine->lock);
	before_shmem_exit(end_work, (Datum) 0);
}

bool
event_queue_in_worker(void)
{
	return working;
}

int
event_queue_peek(QueueEntry *entries, int max)
{
	int n = 0;

	LWLockAcquire(mine->lock, LW_SHARED);
	while (n < max && mine->tail + n < mine->head)
	{
		entries[n] = mine->entries[(mine->tail + n) % EVENT_QUEUE_ENTRIES];
		n++;
	}
	LWLockRelease(mine->lock);
	return n;
}

void
event_queue_drop(int n)
{
	LWLockAcquire(mine->lock, LW_EXCLUSIVE);
	mine->tail += n;
	LWLockRelease(mine->lock);
	ConditionVariableBroadcast(&mine->written);
}

void
event_queue_all_written(void)
{
	pg_atomic_write_u64(&mine->wrote_at, (uint64) GetCurrentTimestamp());
}

bool
event_queue_worker(TimestampTz *wrote_at)
{
	Queue *queue = my_queue();

	*wrote_at = (TimestampTz) pg_atomic_read_u64(&queue->wrote_at);
	return queue->worker != NULL;
}

bool
event_queue_take_retry(void)
{
	return pg_atomic_exchange_u32(&mine->retry_wanted, 0) != 0;
}

/* The worker comes back by itself after AWAY_MS, even if the command's backend died. */
void
event_queue_send_away(const char *database, bool away)
{
	int n = database_number(database);
	Queue *queue;

	if (n < 0)
		return;
	queue = event_queue_at(n);
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	queue->away_until = away ? TimestampTzPlusMilliseconds(GetCurrentTimestamp(), AWAY_MS) : 0;
	LWLockRelease(queue->lock);
	wake(queue);
}

bool
event_queue_must_leave(int n)
{
	Queue *queue = event_queue_at(n);
	TimestampTz now = GetCurrentTimestamp();
	bool away;

	LWLockAcquire(queue->lock, LW_SHARED);
	/* a later time is from before the clock was set back */
	away = now < queue->away_until && queue->away_until <= TimestampTzPlusMilliseconds(now, AWAY_MS);
	LWLockRelease(queue->lock);
	return away;
}
