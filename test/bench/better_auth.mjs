/*
 * better_auth.mjs: djust_auth and better-auth side by side in one Node.js process, each over a node-postgres pool of the
 * same size.  better_auth.mjs prepare: makes better-auth's tables and prints a password's hash.  better_auth.mjs FILE:
 * measures, with the tokens in FILE, and prints JSON; rates are calls a second, times CPU seconds.
 */

import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { betterAuth } from 'better-auth'
import { hashPassword, verifyPassword } from 'better-auth/crypto'
import { getMigrations } from 'better-auth/db/migration'
import pg from 'pg'

const CLIENTS = 8, TURNS = 8, CALLS_A_TURN = 8
const SECRET = 'a secret of this measurement, 32 characters and more'
const PASSWORD = 'Tulips-4-Ann'
const rounds = Number(process.env.BENCH_ROUNDS), seconds = Number(process.env.BENCH_SECONDS)

const theirs = new pg.Pool({ database: 'better', max: CLIENTS, idleTimeoutMillis: 0, application_name: 'theirs' })

/* updateAge: how old a session must be before it is renewed, in seconds; 0: at every look */
function better(updateAge) {
  return betterAuth({
    database: theirs, secret: SECRET, baseURL: 'http://localhost:3000', emailAndPassword: { enabled: true },
    session: { expiresIn: 7 * 86400, updateAge }, rateLimit: { enabled: false }, telemetry: { enabled: false }, logger: { disabled: true }
  })
}

if (process.argv[2] === 'prepare') {
  await (await getMigrations(better(86400).options)).runMigrations()
  console.log(await hashPassword(PASSWORD))
  await theirs.end()
  process.exit(0)
}

const { users, sessions, current, refresh } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const ours = new pg.Pool({ database: process.env.BENCH_DATABASE, user: process.env.BENCH_ROLE, max: CLIENTS, idleTimeoutMillis: 0, application_name: 'ours' })
const auth = better(86400), renewing = better(0)
const random = (n) => Math.floor(Math.random() * n)
const address = () => `user${random(users)}@bench.example`

function must(value, what) {
  if (!value) throw new Error(`${what} failed`)
  return value
}

async function call(name, text, ...values) {
  const { rows } = await ours.query({ name, text, values, rowMode: 'array' })
  return rows[0][0]
}

function cookies() {
  const token = `token${random(sessions)}`.padEnd(32, '-')
  const signature = createHmac('sha256', SECRET).update(token).digest('base64')
  return new Headers({ cookie: `better-auth.session_token=${encodeURIComponent(`${token}.${signature}`)}` })
}

const sides = {
  login: {
    ours: async () => must((await call('login', 'SELECT djust_login($1, $2)', address(), PASSWORD)).access_token, 'djust_login'),
    theirs: async () => must((await auth.api.signInEmail({ body: { email: address(), password: PASSWORD } })).token, 'signInEmail')
  },
  check: {
    ours: async () => {
      const [token, path] = current[random(current.length)]
      must(await call('can', 'SELECT djust_can($1, $2, $3)', token, path, 'GET'), 'djust_can')
    },
    theirs: async () => must(await auth.api.getSession({ headers: cookies() }), 'getSession')
  },
  refresh: {
    ours: async (client) => {
      const own = refresh[client], n = random(own.length)
      own[n] = must((await call('refresh', 'SELECT djust_refresh($1)', own[n])).refresh_token, 'djust_refresh')
    },
    theirs: async () => must(await renewing.api.getSession({ headers: cookies() }), 'getSession')
  }
}

/* A client of its own makes its calls one after the other. */
async function rate(side) {
  const start = performance.now(), end = start + seconds * 1000
  let calls = 0
  await Promise.all(Array.from({ length: CLIENTS }, async (_, client) => {
    while (performance.now() < end) {
      await side(client)
      calls++
    }
  }))
  return calls / ((performance.now() - start) / 1000)
}

/* CPU seconds of a backend; the count is complete once it sleeps */
async function cpuOf(pid) {
  while (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().startsWith('R')) await setImmediate()
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9
}

/* CPU seconds of this process and of the backends that serve a pool */
async function cpu(pool) {
  const { rows } = await pool.query(`SELECT pid FROM pg_stat_activity WHERE application_name = current_setting('application_name')`)
  let sum = 0
  for (const { pid } of rows) sum += await cpuOf(pid)
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6 + sum
}

async function costOf(pool, side) {
  const before = await cpu(pool)
  for (let n = 0; n < CALLS_A_TURN; n++) await side(0)
  return (await cpu(pool) - before) / CALLS_A_TURN
}

/* What a login costs beside its hash; in short turns, for what the neighbours do to caches and clocks changes. */
async function beside(login, bare) {
  let sum = 0
  for (let n = 0; n < TURNS; n++) sum += await login() - await bare()
  return sum / TURNS
}

const hash = await hashPassword(PASSWORD)
const argon2 = () => Number(execFileSync(process.env.BENCH_BIN + '/argon2_loop', ['1', '0.1', '19456', '2'], { encoding: 'utf8' }).split(' ')[0])
const scrypt = () => costOf(theirs, async () => must(await verifyPassword({ hash, password: PASSWORD }), 'verifyPassword'))

const measures = Object.entries(sides).flatMap(([name, pair]) => [
  [`${name} ours`, () => rate(pair.ours)], [`${name} theirs`, () => rate(pair.theirs)]])
measures.push(['beside ours', () => beside(() => costOf(ours, sides.login.ours), argon2)],
  ['beside theirs', () => beside(() => costOf(theirs, sides.login.theirs), scrypt)])

const results = Object.fromEntries(measures.map(([name]) => [name, []]))
for (const pair of Object.values(sides)) for (const side of Object.values(pair)) for (let client = 0; client < CLIENTS; client++) await side(client)
for (let round = 0; round < rounds; round++)
  for (const [name, measure] of round % 2 ? [...measures].reverse() : measures) results[name].push(await measure())
console.log(JSON.stringify(results))
await Promise.all([ours.end(), theirs.end()])
