/*
 * store_seal.c
 *		Owns the statements on seals and chains of seals.
 *
 * The rules of store_run.c apply here too.  Everything is read in portions, so that
 * memory use does not grow with the audit.
 */
#include "postgres.h"

#include "tables/store_seal_row.h"

#define CHAIN_COLUMNS \
	"chain, key_id, first_seal, last_seal, started_at, started_id, sealed_at, sealed_id, after_loss, last_mac, mac"
#define SEAL_COLUMNS "chain, number, from_at, from_id, to_at, to_id, made_at, events, previous, mac, members"

static void
bytes_column(int row, int *number, uint8_t *out, size_t n)
{
	datum_bytes(column(row, number, BYTEAOID), out, n);
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
read_chains(StoreStatement *statement, Snapshot snapshot, AuditChain *chains)
{
	int rows = (int) store_query(statement, ARGUMENTS(), snapshot);
	int i;

	for (i = 0; i < rows; i++)
		read_chain(i, &chains[i]);
	store_finish();
	return rows;
}

int
store_chains_lock(AuditChain chains[CHAINS_MAX])
{
	static StoreStatement statement = {
		"SELECT " CHAIN_COLUMNS
		" FROM djust_auth.audit_chain ORDER BY sealed_at DESC, chain" UP_TO(CHAINS_MAX) " FOR UPDATE"};

	return read_chains(&statement, NULL, chains);
}

int
store_chains_read(Snapshot snapshot, AuditChain chains[CHAINS_MAX])
{
	static StoreStatement statement = {
		"SELECT " CHAIN_COLUMNS " FROM djust_auth.audit_chain ORDER BY started_at, sealed_at, chain" UP_TO(CHAINS_MAX)};

	return read_chains(&statement, snapshot, chains);
}

void
store_chain_put(const AuditChain *chain)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.audit_chain (" CHAIN_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
		" ON CONFLICT (chain) DO UPDATE SET first_seal = excluded.first_seal, last_seal = excluded.last_seal,"
		" started_at = excluded.started_at, started_id = excluded.started_id, sealed_at = excluded.sealed_at,"
		" sealed_id = excluded.sealed_id, last_mac = excluded.last_mac, mac = excluded.mac",
		{UUIDOID, BYTEAOID, INT8OID, INT8OID, KEY_OIDS, KEY_OIDS, BOOLOID, BYTEAOID, BYTEAOID}};

	store_run(&statement,
			  ARGUMENTS(UUIDPGetDatum(&chain->chain),
						bytes_datum(chain->key_id, KEY_ID_SIZE),
						Int64GetDatum(chain->first),
						Int64GetDatum(chain->last),
						KEY_DATUMS(&chain->started),
						KEY_DATUMS(&chain->sealed),
						BoolGetDatum(chain->after_loss),
						bytes_datum(chain->last_mac, SHA256_SIZE),
						bytes_datum(chain->mac, SHA256_SIZE)));
}

void
store_chain_delete(const pg_uuid_t *chain)
{
	static StoreStatement delete_seals = {"DELETE FROM djust_auth.audit_seal WHERE chain" EQ "$1", {UUIDOID}};
	static StoreStatement delete_chain = {"DELETE FROM djust_auth.audit_chain WHERE chain" EQ "$1", {UUIDOID}};

	store_run(&delete_seals, ARGUMENTS(UUIDPGetDatum(chain)));
	store_run(&delete_chain, ARGUMENTS(UUIDPGetDatum(chain)));
}

void
store_seal_insert(const AuditSeal *seal)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.audit_seal (" SEAL_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		{UUIDOID, INT8OID, KEY_OIDS, KEY_OIDS, TIMESTAMPTZOID, INT4OID, BYTEAOID, BYTEAOID, BYTEAOID}};

	store_run(&statement,
			  ARGUMENTS(UUIDPGetDatum(&seal->chain),
						Int64GetDatum(seal->number),
						KEY_DATUMS(&seal->from),
						KEY_DATUMS(&seal->to),
						TimestampTzGetDatum(seal->made_at),
						Int32GetDatum(seal->count),
						bytes_datum(seal->previous, SHA256_SIZE),
						bytes_datum(seal->mac, SHA256_SIZE),
						bytes_datum(seal->members, seal->count * MEMBER_SIZE)));
}

bool
store_seals_ended(const pg_uuid_t *chain, TimestampTz before, int64 *last)
{
	static StoreStatement statement = {"SELECT number, to_at, to_id FROM djust_auth.audit_seal WHERE chain" EQ
									   "$1 ORDER BY number LIMIT 100",
									   {UUIDOID},
									   .by_index = true};
	bool found = false;
	int rows = (int) store_query(&statement, ARGUMENTS(UUIDPGetDatum(chain)), NULL);
	int i;

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
	static StoreStatement statement = {"DELETE FROM djust_auth.audit_seal WHERE chain" EQ "$1 AND number" LE "$2",
									   {UUIDOID, INT8OID}};

	store_run(&statement, ARGUMENTS(UUIDPGetDatum(chain), Int64GetDatum(last)));
}

bool
store_seal_any(void)
{
	static StoreStatement statement = {"SELECT 1 FROM djust_auth.audit_seal LIMIT 1"};

	return store_run(&statement, ARGUMENTS()) > 0;
}

bool
store_seals_orphaned(Snapshot snapshot)
{
	static StoreStatement statement = {"SELECT 1 FROM djust_auth.audit_seal AS s WHERE NOT EXISTS"
									   " (SELECT FROM djust_auth.audit_chain AS c WHERE c.chain" EQ "s.chain) LIMIT 1"};
	bool found = store_query(&statement, ARGUMENTS(), snapshot) > 0;

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
	static StoreStatement statement = {"SELECT " SEAL_COLUMNS " FROM djust_auth.audit_seal WHERE chain" EQ
									   "$1 AND number" GT "$2 ORDER BY number" UP_TO(SEALS_AT_ONCE),
									   {UUIDOID, INT8OID},
									   .by_index = true};
	int rows = (int) store_query(&statement, ARGUMENTS(UUIDPGetDatum(chain), Int64GetDatum(after)), snapshot);
	int i;

	MemoryContextSwitchTo(context);
	for (i = 0; i < rows; i++)
		read_seal(i, &seals[i]);
	store_finish();
	return rows;
}
