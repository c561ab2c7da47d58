/*
 * utility_hook.c
 *		Owns the hook that sends the background worker away for commands that
 *		need its database alone, and wakes it when the extension is created.
 *
 * Threats: the worker's connection makes DROP DATABASE fail; a user without the
 * privilege to run such a command sends the worker away by it.
 */
#include "postgres.h"

#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"

#include "server/compat.h"
#include "shmem/event_queue.h"
#include "worker/utility_hook.h"

#define EXTENSION "djust_auth"

static ProcessUtility_hook_type previous_hook = NULL;

static const char *
string_option(List *options, const char *name, const char *otherwise)
{
	ListCell *cell;

	foreach(cell, options)
	{
		DefElem *option = lfirst(cell);

		if (strcmp(option->defname, name) == 0 && option->arg)
			return defGetString(option);
	}
	return otherwise;
}

/* The database that the command needs for itself, or NULL. */
static const char *
exclusive_database(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			return ((DropdbStmt *) statement)->dbname;
		case T_CreatedbStmt:
			return string_option(((CreatedbStmt *) statement)->options, "template", "template1");
		case T_AlterDatabaseStmt:
			return string_option(((AlterDatabaseStmt *) statement)->options, "tablespace", NULL) ?
					   ((AlterDatabaseStmt *) statement)->dbname :
					   NULL;
		case T_RenameStmt:
			return ((RenameStmt *) statement)->renameType == OBJECT_DATABASE ? ((RenameStmt *) statement)->subname :
																			   NULL;
		default:
			return NULL;
	}
}

static bool
is_own_database(const char *database)
{
	Oid id = get_database_oid(database, true);

	return OidIsValid(id) && CompatOwnsDatabase(id, GetUserId());
}

/* The command itself waits some seconds for other connections to end; the worker ends sooner. */
static void
process_utility(PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver,
				QueryCompletion *completion)
{
	const char *database = exclusive_database(statement->utilityStmt);
	bool alone = database && event_queue_serves_database(database) && is_own_database(database);
	bool creates = IsA(statement->utilityStmt, CreateExtensionStmt) &&
				   strcmp(((CreateExtensionStmt *) statement->utilityStmt)->extname, EXTENSION) == 0;

	if (alone)
		event_queue_send_away(database, true);
	PG_TRY();
	{
		(previous_hook ? previous_hook : standard_ProcessUtility)(
			statement, text, read_only_tree, context, params, environment, receiver, completion);
	}
	PG_FINALLY();
	{
		if (alone)
			event_queue_send_away(database, false);
	}
	PG_END_TRY();
	if (creates)
		event_queue_wake_at_commit();
}

void
utility_hook_init(void)
{
	previous_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
