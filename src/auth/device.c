/*
 * device.c
 *		Owns the devices that customers log in with, and the notice of a new one.
 *
 * A device is a user agent and a network (/24 of IPv4, /48 of IPv6).  Threat: a
 * record of where customers have been: only a keyed hash of device and user is
 * kept, for a year at most.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "utils/builtins.h"
#include "utils/inet.h"
#include "utils/timestamp.h"

#include "auth/device.h"
#include "auth/mail_queue.h"
#include "http/postgrest.h"
#include "keys/key_file.h"
#include "server/settings.h"
#include "tables/store.h"

static const char *
network(void)
{
	Datum address = postgrest_client_address();
	int bits;

	if (address == (Datum) 0)
		return "";
	bits = ip_family(DatumGetInetPP(address)) == PGSQL_AF_INET ? 24 : 48;
	address = DirectFunctionCall2(inet_set_masklen, address, Int32GetDatum(bits));
	return text_to_cstring(
		DatumGetTextPP(DirectFunctionCall1(network_show, DirectFunctionCall1(network_network, address))));
}

void
device_seen(const pg_uuid_t *user_id)
{
	const char *agent;
	bool is_first;
	AccountTag device;

	if (!setting_notify_new_device || !catalog_has(TABLE_KNOWN_DEVICE))
		return;
	agent = postgrest_user_agent();
	key_file_tag("device",
				 slice_of(psprintf("%s %s %s",
								   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(user_id))),
								   network(),
								   agent ? agent : "")),
				 &device);
	is_first = !store_device_any(user_id);
	if (store_device_see(user_id, &device, GetCurrentTimestamp()) && !is_first)
		mail_queue_notice("new_device", user_id);
}
