/*
 * store_seal.c
 *		Owns the statements on seals and chains of seals.
 *
 * The rules of store.c apply here too.  Everything is read in portions, so that
 * memory use does not grow with the audit.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "tables/store_seal_row.h"

#define CHAIN_COLUMNS \
	"chain, key_id, first_seal, last_seal, started_at, started_id, sealed_at, sealed_id," \
	" after_loss, last_mac, mac"
#define SEAL_COLUMNS "chain, number, from_at, from_id, to_at, to_id, made_at, events, previous, mac, members"
typedef enum Statement
{
	CHAINS_LOCK,
	CHAINS_READ,
	CHAIN_PUT,
	CHAIN_DELETE,
	SEALS_DELETE,
	SEAL_INSERT,
	SEALS_OLDEST,
	SEALS_RETIRE,
	SEAL_ANY,
	SEALS_ORPHANED,
	SEALS_READ,
	STATEMENTS
} Statement;

static StoreStatement statements[] = {
	[CHAINS_LOCK] = {"SELECT " CHAIN_COLUMNS
					 " FROM djust_auth.audit_chain ORDER BY sealed_at DESC, chain LIMIT 16 FOR UPDATE",
					 0,
					 {0}},
	[CHAINS_READ] = {"SELECT " CHAIN_COLUMNS
					 " FROM djust_auth.audit_chain ORDER BY started_at, sealed_at, chain LIMIT 16",
					 0,
					 {0}},
	[CHAIN_PUT] =
		{"INSERT INTO djust_auth.audit_chain (" CHAIN_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
		 " ON CONFLICT (chain) DO UPDATE SET first_seal = excluded.first_seal, last_seal = excluded.last_seal,"
		 " started_at = excluded.started_at, started_id = excluded.started_id, sealed_at = excluded.sealed_at,"
		 " sealed_id = excluded.sealed_id, last_mac = excluded.last_mac, mac = excluded.mac",
		 11,
		 {UUIDOID,
		  BYTEAOID,
		  INT8OID,
		  INT8OID,
		  TIMESTAMPTZOID,
		  UUIDOID,
		  TIMESTAMPTZOID,
		  UUIDOID,
		  BOOLOID,
		  BYTEAOID,
		  BYTEAOID}},
	[CHAIN_DELETE] = {"DELETE FROM djust_auth.audit_chain WHERE chain" EQ "$1", 1, {UUIDOID}},
	[SEALS_DELETE] = {"DELETE FROM djust_auth.audit_seal WHERE chain" EQ "$1", 1, {UUIDOID}},
	[SEAL_INSERT] = {"INSERT INTO djust_auth.audit_seal (" SEAL_COLUMNS
					 ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
					 11,
					 {UUIDOID,
					  INT8OID,
					  TIMESTAMPTZOID,
					  UUIDOID,
					  TIMESTAMPTZOID,
					  UUIDOID,
					  TIMESTAMPTZOID,
					  INT4OID,
					  BYTEAOID,
					  BYTEAOID,
					  BYTEAOID}},
	[SEALS_OLDEST] = {"SELECT number, to_at, to_id FROM djust_auth.audit_seal WHERE chain" EQ
					  "$1 ORDER BY number LIMIT 100",
					  1,
					  {UUIDOID},
					  .by_index = true},
	[SEALS_RETIRE] = {"DELETE FROM djust_auth.audit_seal WHERE chain" EQ "$1 AND number" LE "$2",
					  2,
					  {UUIDOID, INT8OID}},
	[SEAL_ANY] = {"SELECT 1 FROM djust_auth.audit_seal LIMIT 1", 0, {0}},
	[SEALS_ORPHANED] = {"SELECT 1 FROM djust_auth.audit_seal AS s WHERE NOT EXISTS"
						" (SELECT FROM djust_auth.audit_chain AS c WHERE c.chain" EQ "s.chain) LIMIT 1",
						0,
						{0}},
	[SEALS_READ] = {"SELECT " SEAL_COLUMNS " FROM djust_auth.audit_seal WHERE chain" EQ "$1 AND number" GT
					"$2 ORDER BY number LIMIT 16",
					2,
					{UUIDOID, INT8OID},
					.by_index = true},
};

StaticAssertDecl(lengthof(statements) == STATEMENTS, "every statement has a text");

static uint64
run(Statement statement, Call *call)
{
	return store_run(&statements[statement], call);
}

/* A value of the wrong length becomes zeroes, which match no MAC. */
static void
bytes_column(int row, int *number, uint8_t *out, size_t n)
{
	bytea *value = DatumGetByteaPP(column(row, number, BYTEAOID));

	memset(out, 0, n);
	if (VARSIZE_ANY_EXHDR(value) == n)
		memcpy(out, VARDATA_ANY(value), n);
}

static void
read_chain(int row, AuditChain *chain)
{
	int number = 0;

	chain->chain = uuid_column(row, &number);
	bytes_column(row, &number, chain->key_id, KEY_ID_SIZE);
	chain->first = DatumGetInt64(column(row, &number, INT8OID));
	chain->last = DatumGetInt64(column(row, &number, INT8OID));
	chain->started = key_columns(row, &number);
	chain->sealed = key_columns(row, &number);
	chain->after_loss = DatumGetBool(column(row, &number, BOOLOID));
	bytes_column(row, &number, chain->last_mac, SHA256_SIZE);
	bytes_column(row, &number, chain->mac, SHA256_SIZE);
}

static int
read_chains(Statement statement, Snapshot snapshot, AuditChain *chains)
{
	Call call = {0};
	int rows;
	int i;

	store_connect();
	rows = Min(read_rows(&statements[statement], &call, snapshot), CHAINS_MAX);
	for (i = 0; i < rows; i++)
		read_chain(i, &chains[i]);
	store_finish();
	return rows;
}

int
store_chains_lock(AuditChain chains[CHAINS_MAX])
{
	return read_chains(CHAINS_LOCK, NULL, chains);
}

int
store_chains_read(Snapshot snapshot, AuditChain chains[CHAINS_MAX])
{
	return read_chains(CHAINS_READ, snapshot, chains);
}

void
store_chain_put(const AuditChain *chain)
{
	Call call = {0};

	put_uuid(&call, &chain->chain);
	put_bytes(&call, chain->key_id, KEY_ID_SIZE);
	put_id(&call, chain->first);
	put_id(&call, chain->last);
	put_key(&call, &chain->started);
	put_key(&call, &chain->sealed);
	put(&call, BoolGetDatum(chain->after_loss), false);
	put_bytes(&call, chain->last_mac, SHA256_SIZE);
	put_bytes(&call, chain->mac, SHA256_SIZE);
	run(CHAIN_PUT, &call);
}

void
store_chain_delete(const pg_uuid_t *chain)
{
	Call call = {0};

	put_uuid(&call, chain);
	run(SEALS_DELETE, &call);
	run(CHAIN_DELETE, &call);
}

void
store_seal_insert(const AuditSeal *seal)
{
	Call call = {0};

	put_uuid(&call, &seal->chain);
	put_id(&call, seal->number);
	put_key(&call, &seal->from);
	put_key(&call, &seal->to);
	put_time(&call, seal->made_at);
	put_int(&call, seal->count);
	put_bytes(&call, seal->previous, SHA256_SIZE);
	put_bytes(&call, seal->mac, SHA256_SIZE);
	put_bytes(&call, seal->members, seal->count * MEMBER_SIZE);
	run(SEAL_INSERT, &call);
}

bool
store_seals_ended(const pg_uuid_t *chain, TimestampTz before, int64 *last)
{
	Call call = {0};
	bool found = false;
	int rows;
	int i;

	put_uuid(&call, chain);
	store_connect();
	rows = (int) store_execute(&statements[SEALS_OLDEST], &call);
	for (i = 0; i < rows; i++)
	{
		int number = 0;
		int64 seal = DatumGetInt64(column(i, &number, INT8OID));
		EventKey to = key_columns(i, &number);

		if (to.at > before)
			break;
		*last = seal;
		found = true;
	}
	store_finish();
	return found;
}

void
store_seals_retire(const pg_uuid_t *chain, int64 last)
{
	Call call = {0};

	put_uuid(&call, chain);
	put_id(&call, last);
	run(SEALS_RETIRE, &call);
}

bool
store_seal_any(void)
{
	Call call = {0};

	return run(SEAL_ANY, &call) > 0;
}

bool
store_seals_orphaned(Snapshot snapshot)
{
	Call call = {0};
	bool found;

	store_connect();
	found = read_rows(&statements[SEALS_ORPHANED], &call, snapshot) > 0;
	store_finish();
	return found;
}

static void
read_seal(int row, AuditSeal *seal)
{
	int number = 0;
	bytea *members;

	seal->chain = uuid_column(row, &number);
	seal->number = DatumGetInt64(column(row, &number, INT8OID));
	seal->from = key_columns(row, &number);
	seal->to = key_columns(row, &number);
	seal->made_at = DatumGetTimestampTz(column(row, &number, TIMESTAMPTZOID));
	seal->count = DatumGetInt32(column(row, &number, INT4OID));
	bytes_column(row, &number, seal->previous, SHA256_SIZE);
	bytes_column(row, &number, seal->mac, SHA256_SIZE);
	members = DatumGetByteaPCopy(column(row, &number, BYTEAOID));
	if (seal->count < 0 || VARSIZE(members) - VARHDRSZ != (size_t) seal->count * MEMBER_SIZE)
		seal->count = 0;
	seal->members = (uint8_t *) VARDATA(members);
}

int
store_seals_read(MemoryContext context, Snapshot snapshot, const pg_uuid_t *chain, int64 after,
				 AuditSeal seals[SEALS_AT_ONCE])
{
	MemoryContext caller;
	Call call = {0};
	int rows;
	int i;

	put_uuid(&call, chain);
	put_id(&call, after);
	store_connect();
	rows = Min(read_rows(&statements[SEALS_READ], &call, snapshot), SEALS_AT_ONCE);
	caller = MemoryContextSwitchTo(context);
	for (i = 0; i < rows; i++)
		read_seal(i, &seals[i]);
	MemoryContextSwitchTo(caller);
	store_finish();
	return rows;
}
