/*
 * move_steps.c
 *		What a router calls to move customers: fetch arguments, call one
 *		operation, return its answer.
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/uuid.h"

#include "api/args.h"
#include "auth/email_change.h"
#include "auth/move.h"
#include "http/confirm_page.h"

SQL_FUNCTION(djust_auth_move_out)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.move_out()");

	REQUIRED(1, "email");
	REQUIRED(2, "shard");
	move_out(id, TEXT(1), PG_GETARG_INT32(2));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_move_by_link)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));

	begin_write("djust_auth.move_by_link()");
	REQUIRED(0, "token");
	REQUIRED(1, "shard");
	if (!move_by_link(SLICE(0), PG_GETARG_INT32(1), id))
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(id);
}

SQL_FUNCTION(djust_auth_link_target)
{
	TupleDesc descriptor;
	const char *email;
	Datum values[2];
	int shard;

	preloaded_require();
	REQUIRED(0, "token");
	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	email = email_link_target(SLICE(0), &shard);
	values[0] = email ? CStringGetTextDatum(email) : (Datum) 0;
	values[1] = Int32GetDatum(shard);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, (bool[]){email == NULL, shard < 0})));
}

/* Says nothing about any link or customer. */
SQL_FUNCTION(djust_auth_link_followed)
{
	Answer answer = {VERDICT_OK};
	bool puts_back;

	preloaded_require();
	REQUIRED(0, "puts_back");
	REQUIRED(1, "page");
	puts_back = PG_GETARG_BOOL(0);
	if (PG_GETARG_BOOL(1))
		RETURN_TEXT(confirm_page_html((Slice){"", 0}, puts_back, &answer));
	RETURN_TEXT(answer_status_text(&answer, puts_back ? "email_reverted" : "email_confirmed"));
}

SQL_FUNCTION(djust_auth_move_offer)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.move_offer()");
	TupleDesc descriptor;
	MoveOffer offer;
	Datum values[3];
	bool nulls[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!move_offer(id, &offer))
		PG_RETURN_NULL();
	values[0] = PointerGetDatum(offer.sealed);
	values[1] = Int32GetDatum(offer.shard);
	values[2] = UUIDPGetDatum(&offer.move);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

SQL_FUNCTION(djust_auth_move_redirect)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.move_redirect()");

	REQUIRED(1, "move");
	REQUIRED(2, "email");
	REQUIRED(3, "shard");
	PG_RETURN_BOOL(move_redirect(id, PG_GETARG_UUID_P(1), TEXT(2), PG_GETARG_INT32(3)));
}

SQL_FUNCTION(djust_auth_move_in)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.move_in()");

	REQUIRED(1, "sealed");
	PG_RETURN_BOOL(move_in(id, PG_GETARG_BYTEA_PP(1)));
}

SQL_FUNCTION(djust_auth_move_refuse)
{
	begin_write("djust_auth.move_refuse()");
	REQUIRED(0, "move");
	PG_RETURN_BOOL(move_refuse(PG_GETARG_UUID_P(0)));
}

SQL_FUNCTION(djust_auth_move_done)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.move_done()");

	REQUIRED(1, "move");
	PG_RETURN_BOOL(move_done(id, PG_GETARG_UUID_P(1)));
}

SQL_FUNCTION(djust_auth_move_back)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.move_back()");

	REQUIRED(1, "move");
	PG_RETURN_BOOL(move_back(id, PG_GETARG_UUID_P(1)));
}
