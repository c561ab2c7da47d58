#!/bin/sh
# loggers.sh: every logger people have, at its loudest (loud.conf), beside regress, isolation, pgtap and programs

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
DJUST_CONF=$(cat "$ROOT/test/torture/loud.conf")
export DJUST_CONF
EXCEPT='bench.sh it measures times, which loggers change' sh "$ROOT/test/run.sh" regress isolation pgtap programs
