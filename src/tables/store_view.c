/*
 * store_view.c
 *		Owns the statements on store views.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_run.h"

bool
store_view_exists(const char *name)
{
	static StoreStatement statement = {"SELECT 1 FROM djust_auth.store WHERE name" EQ "$1", {TEXTOID}};

	return catalog_has(TABLE_STORE) && store_run(&statement, ARGUMENTS(text_datum(name))) > 0;
}

bool
store_view_of_mail(int64 mail, const pg_uuid_t *user_id, StoreView *view)
{
	static StoreStatement statement = {
		"SELECT s.name, s.reset_url, s.confirm_url, s.mail_from, s.locale FROM djust_auth.mail_queue q"
		" LEFT JOIN djust_auth.user_store u ON u.user_id" EQ "$2"
		" JOIN djust_auth.store s ON s.name" EQ "coalesce((SELECT n.name FROM djust_auth.store n WHERE n.name" EQ
		"q.store), u.store) WHERE q.id" EQ "$1",
		{INT8OID, UUIDOID}};
	bool found = false;

	if (!catalog_has(TABLE_STORE))
		return false;
	if (store_query(&statement, ARGUMENTS(Int64GetDatum(mail), UUIDPGetDatum(user_id)), NULL) > 0)
	{
		found = true;
		view->name = store_text_or_null(0, 1);
		view->reset_url = store_text_or_null(0, 2);
		view->confirm_url = store_text_or_null(0, 3);
		view->mail_from = store_text_or_null(0, 4);
		view->locale = store_text_or_null(0, 5);
	}
	store_finish();
	return found;
}

void
store_mail_set_view(int64 mail, const char *name)
{
	static StoreStatement statement = {"UPDATE djust_auth.mail_queue SET store = $2 WHERE id" EQ "$1 AND store IS NULL",
									   {INT8OID, TEXTOID}};

	store_run(&statement, ARGUMENTS(Int64GetDatum(mail), text_datum(name)));
}

void
store_user_view_give(const pg_uuid_t *user_id, const char *name)
{
	static StoreStatement statement = {"INSERT INTO djust_auth.user_store (user_id, store)"
									   " SELECT $1, s.name FROM djust_auth.store s WHERE s.name" EQ "$2 FOR KEY SHARE",
									   {UUIDOID, TEXTOID}};

	store_run(&statement, ARGUMENTS(UUIDPGetDatum(user_id), text_datum(name)));
}

void
store_view_follow(const char *before, const char *after)
{
	static StoreStatement mails = {"UPDATE djust_auth.mail_queue SET store = $2 WHERE store" EQ "$1",
								   {TEXTOID, TEXTOID}};
	static StoreStatement addresses = {"UPDATE djust_auth.pending_email SET store = $2 WHERE store" EQ "$1",
									   {TEXTOID, TEXTOID}};

	store_run(&mails, ARGUMENTS(text_datum(before), text_datum(after)));
	store_run(&addresses, ARGUMENTS(text_datum(before), text_datum(after)));
}

void
store_view_rename_templates(const char *before, const char *after)
{
	static StoreStatement statement = {"UPDATE djust_auth.mail_template SET store = $2 WHERE store" EQ "$1",
									   {TEXTOID, TEXTOID},
									   .administrative = true};

	store_run(&statement, ARGUMENTS(text_datum(before), text_datum(after)));
}

void
store_view_follow_users(const char *before, const char *after)
{
	static StoreStatement rename = {"UPDATE djust_auth.user_store SET store = $2 WHERE store" EQ "$1",
									{TEXTOID, TEXTOID}};
	static StoreStatement drop = {"DELETE FROM djust_auth.user_store WHERE store" EQ "$1", {TEXTOID}};

	if (after)
		store_run(&rename, ARGUMENTS(text_datum(before), text_datum(after)));
	else
		store_run(&drop, ARGUMENTS(text_datum(before)));
}
