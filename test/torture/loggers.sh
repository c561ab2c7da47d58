#!/bin/sh
# loggers.sh: every logger people have, at its loudest (loud.conf), beside isolation tests, pgTAP and the ledger of crashes

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
DJUST_CONF=$(cat "$ROOT/test/torture/loud.conf")
export DJUST_CONF
sh "$ROOT/test/run.sh" isolation pgtap && ONLY=crash sh "$ROOT/test/run.sh" programs
